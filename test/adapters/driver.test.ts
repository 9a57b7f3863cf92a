import { beforeEach, describe, expect, it } from "vitest";
import { Driver } from "../../adapters/shared/driver.ts";
import { MisuseError } from "../../core/mod.ts";
import { VirtualClock } from "./virtual-clock.ts";

let clock: VirtualClock;
let bugs: unknown[];
let driver: Driver;

beforeEach(() => {
  clock = new VirtualClock();
  bugs = [];
  driver = new Driver({ clock, onBug: (bug) => bugs.push(bug) });
});

/** Something to wake; `ticks` are the times at which it was. */
function alarm(deadline: number) {
  const timed = {
    deadline,
    ticks: [] as number[],
    tick(now: number) {
      timed.ticks.push(now);
      timed.deadline = Number.POSITIVE_INFINITY;
    },
  };
  return timed;
}

function owner(log: string[] = [], name = "owner") {
  return { destroy: () => void log.push(`${name} destroyed`) };
}

describe("a turn", () => {
  it("runs at once and knows the time", () => {
    clock.time = 4976;
    const times: number[] = [];
    driver.turn((now) => times.push(now));
    expect(times).toEqual([4976]);
  });

  it("holds back what is reported while it runs, in order, until it has ended", () => {
    const log: string[] = [];
    driver.turn(() => {
      log.push("first begins");
      driver.turn(() => {
        log.push("second");
        driver.turn(() => log.push("fourth"));
      });
      driver.turn(() => log.push("third"));
      log.push("first ends");
    });
    expect(log).toEqual(["first begins", "first ends", "second", "third", "fourth"]);
  });

  it("is followed by one flush of each outbox it touched, before the next turn", () => {
    const log: string[] = [];
    const outbox = { owner: owner(), flush: () => void log.push("flush") };
    driver.turn(() => {
      driver.touch(outbox);
      driver.turn(() => log.push("next turn"));
    });
    expect(log).toEqual(["flush", "next turn"]);
  });

  it("that is reported by a flush waits until all are flushed", () => {
    const log: string[] = [];
    const eager = { owner: owner(), flush: () => driver.turn(() => log.push("turn")) };
    const other = { owner: owner(), flush: () => void log.push("flush") };
    driver.turn(() => {
      driver.touch(eager);
      driver.touch(other);
    });
    expect(log).toEqual(["flush", "turn"]);
  });

  it("that throws costs its connection, is told, and stops nothing", () => {
    const log: string[] = [];
    const bug = new MisuseError("ours");
    driver.turn(() => {
      driver.turn(() => log.push("next turn"));
      throw bug;
    }, owner(log));
    expect(bugs).toEqual([bug]);
    expect(log).toEqual(["owner destroyed", "next turn"]);
    driver.turn(() => log.push("later turn"));
    expect(log).toHaveLength(3);
  });

  it("is not harmed by a throw in a flush, in destroy or in onBug", () => {
    const bad = new Driver({
      clock,
      onBug: () => {
        throw new Error("the reporter has a bug");
      },
    });
    const log: string[] = [];
    const destroy = () => {
      throw new Error("destroy has a bug");
    };
    const flush = () => {
      throw new Error("flush has a bug");
    };
    bad.turn(() => bad.touch({ owner: { destroy }, flush }), { destroy });
    bad.turn(() => log.push("still here"));
    expect(log).toEqual(["still here"]);
  });

  it("is where links are written to; elsewhere nobody would flush", () => {
    const outbox = { owner: owner(), flush: () => {} };
    expect(() => driver.touch(outbox)).toThrow(MisuseError);
  });

  it("that is put off comes after the runtime has looked at its sockets, with others in one go", () => {
    const log: string[] = [];
    driver.turn(() => {
      driver.later(() => log.push("later"));
      driver.later(() => {
        log.push("later still");
        driver.later(() => log.push("last"));
      });
    });
    expect(log).toEqual([]);
    expect(clock.pending).toBe(1);
    clock.advance(0);
    expect(log).toEqual(["later", "later still", "last"]);
  });
});

describe("the timer", () => {
  it("wakes each when it wants, with one timer", () => {
    const [soon, late] = [alarm(100), alarm(250)];
    driver.register(soon);
    driver.register(late);
    expect(clock.pending).toBe(1);
    clock.advance(99);
    expect(soon.ticks).toEqual([]);
    clock.advance(1000);
    expect(soon.ticks).toEqual([100]);
    expect(late.ticks).toEqual([250]);
    expect(clock.pending).toBe(0);
  });

  it("moves forward when a turn brings an earlier deadline", () => {
    const timed = alarm(1000);
    driver.register(timed);
    driver.turn(() => {
      timed.deadline = 10;
    });
    expect(clock.pending).toBe(1);
    clock.advance(10);
    expect(timed.ticks).toEqual([10]);
  });

  it("is left alone by deadlines that move away, however many turns move them", () => {
    const timed = alarm(100);
    driver.register(timed);
    for (let i = 0; i < 1000; i++) {
      driver.turn(() => {
        timed.deadline = 200 + i;
      });
    }
    expect(clock.timersSet).toBe(1);
    clock.advance(5000);
    expect(timed.ticks).toEqual([1199]);
    expect(clock.timersSet).toBe(2);
  });

  it("wakes nobody who has left", () => {
    const timed = alarm(100);
    const leave = driver.register(timed);
    leave();
    clock.advance(1000);
    expect(timed.ticks).toEqual([]);
  });

  it("rests after a tick that threw, and wakes the others meanwhile or then", () => {
    const broken = {
      deadline: 100,
      tick() {
        throw new Error("always");
      },
    };
    const good = alarm(100);
    driver.register(broken);
    driver.register(good);
    clock.advance(100);
    expect(good.ticks).toEqual([100]);
    expect(bugs).toHaveLength(1);
    clock.advance(2000);
    expect(bugs).toHaveLength(3);
  });
});

describe("the end", () => {
  it("is awaited until no connection is left", async () => {
    const [one, two] = [owner(), owner()];
    driver.hold(one);
    driver.hold(two);
    let empty = false;
    const emptied = driver.emptied().then(() => {
      empty = true;
    });
    driver.release(one);
    driver.release(one);
    await Promise.resolve();
    expect(empty).toBe(false);
    driver.release(two);
    await emptied;
    expect(driver.connections).toBe(0);
    await driver.emptied();
  });

  it("drops what is left and forgets the timer", () => {
    const log: string[] = [];
    driver.register(alarm(100));
    driver.hold(owner(log));
    driver.stop();
    expect(log).toEqual(["owner destroyed"]);
    expect(clock.pending).toBe(0);
  });
});
