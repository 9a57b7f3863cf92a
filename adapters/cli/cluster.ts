/** Several workers and the admin listener that speaks for all of them: what `serve` runs when `workers` says more than one. */
import { dirname, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Millis } from "../../core/mod.ts";
import type { Loaded } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { Webhooks } from "../control/webhooks.ts";
import type { Made } from "../operation/reloader.ts";
import type { Runtime } from "../shared/runtime.ts";
import { ClusterControl } from "../workers/cluster-control.ts";
import { Supervisor } from "../workers/supervisor.ts";
import type { Log } from "./log.ts";
import { type ListeningAt, type Serving, uriOf } from "./relay-program.ts";
import { RunningAdmin } from "./running-admin.ts";
import { Refusal, type Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

export interface ClusterOptions {
  /** The configuration, and what was read of it. */
  readonly file: string;
  readonly loaded: Loaded;
  readonly log: Log;
  readonly runtime: Runtime;
  readonly terminal: Terminal;
}

export class Cluster implements Serving {
  readonly control: ClusterControl;
  readonly #log: Log;
  #settings: Settings;
  readonly #folder: string;
  readonly #supervisor: Supervisor;
  #admin: RunningAdmin | undefined;
  #webhooks: Webhooks | undefined;

  private constructor({ runtime, log }: ClusterOptions, settings: Settings, folder: string, supervisor: Supervisor) {
    this.#log = log;
    this.#settings = settings;
    this.#folder = folder;
    this.#supervisor = supervisor;
    this.#admin = undefined;
    this.#webhooks = undefined;
    const about = () => ({
      version: VERSION,
      runtime: runtime.name,
      hostname: this.#settings.hostname,
      listeners: this.listening.map(({ name, url, advertised }) => ({ name, url, advertised })),
      domains: [...this.#settings.accountsOf.keys()],
    });
    this.control = new ClusterControl(supervisor, about, () => this.#webhooks?.sizes ?? new Map<string, number>());
  }

  /** @throws Error with words for the operator; nothing is left running then */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { file, loaded, log, terminal } = options;
    const { settings, written, source = "" } = loaded;
    if (settings === undefined || written === undefined) throw new RangeError("it has errors");
    if (terminal.again === undefined) {
      throw new Refusal("workers are programs of their own: on Deno they need all permissions (deno run -A)");
    }
    const folder = dirname(resolve(file));
    const supervisor = await Supervisor.start({
      command: [...terminal.again, "worker"],
      workers: settings.workers,
      configuration: { written, source, folder },
      tell: (level, event, text, fields) => log.write(level, event, text, fields),
    });
    const cluster = new Cluster(options, settings, folder, supervisor);
    try {
      await cluster.#open(log);
    } catch (error) {
      await cluster.stop(0);
      throw error;
    }
    return cluster;
  }

  get drains(): Serving["drains"] {
    return { start: (seconds) => this.control.drain(seconds), over: this.#supervisor.over };
  }

  get drainSeconds(): number {
    return this.#settings.drain.seconds;
  }

  get workers(): number {
    return this.#supervisor.workers.length;
  }

  get listening(): ListeningAt[] {
    const [first = []] = this.#supervisor.doors;
    return first.map(({ name, url, shared, via }, index) => {
      const { advertise } = this.#settings.relay.listeners[index] as Settings["relay"]["listeners"][number];
      const ownPorts = this.#supervisor.doors.map((doors) => doors[index]?.advertised.port ?? 0);
      const advertising = { ...advertise, port: advertise.port === 0 ? shared : advertise.port };
      return { name, url, port: shared, advertised: uriOf(advertising), advertising, ownPorts, via };
    });
  }

  get dialing() {
    return this.#supervisor.dialing;
  }

  get adminUrl(): string | undefined {
    return this.#admin?.url;
  }

  async apply(settings: Settings, { written, source }: Made): Promise<void> {
    await this.#supervisor.apply({ written, source, folder: this.#folder });
    if (!isDeepStrictEqual(settings.log, this.#settings.log)) this.#log.configure(settings.log, settings.data);
    this.#settings = settings;
    this.#admin?.use(settings);
  }

  async stop(patience: Millis): Promise<void> {
    await this.#supervisor.stop(patience);
    await this.#admin?.close();
    await this.#webhooks?.close();
    this.control.stop();
  }

  async #open(log: Log): Promise<void> {
    const { control } = this;
    const { webhooks, data } = this.#settings;
    this.#webhooks = await Webhooks.open(webhooks, data, control, {
      count: (webhook, outcome) => control.metricsHere.count("parley_webhook_deliveries_total", { webhook, outcome }),
      tell: (level, text, webhook) => log.write(level, "webhook", text, { webhook }),
    });
    this.#admin = await RunningAdmin.open(this.#settings, { control, log, stopping: () => this.#supervisor.stopping });
  }
}
