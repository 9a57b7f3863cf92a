/**
 * Every bound of an endpoint in one place: what strangers, slow links and hasty applications may cost us.
 *
 * Sending keeps at most about `backlog` + `held` octets, and for each session `concurrent` × `window`. Receiving keeps
 * nothing but what the application gathers: at most `incoming` messages of each session, each up to its own limit.
 */
export interface EndpointLimits {
  /** Bodies are written until the link has so much to send. Must lie above the mark at which links call `writable`. */
  readonly backlog: number;
  /** Octets of a streamed message that may wait in memory. */
  readonly window: number;
  /** Octets of messages given whole that may wait in memory, all of them together. */
  readonly held: number;
  /** Body octets after which a chunk makes way for what else there is to send. */
  readonly quantum: number;
  /** Messages of one session, longer than a window, that go out side by side; others wait until one of them ends. */
  readonly concurrent: number;
  /** Messages of one session whose fate is open; above it those that only wait for a report are given up. */
  readonly messages: number;
  /** Chunks that ask for a response and have none yet; above it no new one is begun. */
  readonly unanswered: number;
  /** Messages of one session that may be coming in at once. */
  readonly incoming: number;
  /** Messages of one session, in each direction, remembered after their end (RFC 4975 §5.4, §7.3.2). */
  readonly remembered: number;
  /** Separate ranges of one message: what a sender may leave out on the way. */
  readonly ranges: number;
  /** Longest head of a frame. */
  readonly headerBytes: number;
}

export const defaultLimits: EndpointLimits = {
  backlog: 256 * 1024,
  window: 64 * 1024,
  held: 16 * 1024 * 1024,
  quantum: 16 * 1024,
  concurrent: 4,
  messages: 1024,
  unanswered: 1024,
  incoming: 64,
  remembered: 128,
  ranges: 64,
  headerBytes: 16 * 1024,
};
