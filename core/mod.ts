/** The only door adapters come in by. */
export * from "./ports.ts";
export { type Consequence, consequence, type Fault, faults } from "./faults.ts";
export { parseUri, type Uri } from "./codec/uri.ts";
export { Relay } from "./relay.ts";
export type { Counters } from "./forwarding/state.ts";
export type { Authentication, AuthenticationOptions, RelayAccount } from "./endpoint/authentication.ts";
export { Collector } from "./endpoint/collector.ts";
export { Endpoint, type EndpointOptions } from "./endpoint/endpoint.ts";
export type { Failure } from "./endpoint/failure.ts";
export type { IncomingMessage, IncomingState } from "./endpoint/incoming-message.ts";
export { defaultLimits, type EndpointLimits } from "./endpoint/limits.ts";
export type { OtherRequest, OutgoingRequest } from "./endpoint/other-request.ts";
export type { FailureReport, MessageOptions, OutgoingMessage, OutgoingState } from "./endpoint/outgoing-message.ts";
export { sdpPath, toPath } from "./endpoint/paths.ts";
export { RangeSet } from "./endpoint/range-set.ts";
export type { Session, SessionOptions } from "./endpoint/session.ts";
export type { Report } from "./endpoint/report.ts";
export type { EndpointSink, SessionSink } from "./endpoint/sinks.ts";
