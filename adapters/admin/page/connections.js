/** The connections: who is there, what waits, and their end. */
import { order } from "./api.js";
import { confirm, toast } from "./dialogs.js";
import { bytes, duration, el, number } from "./kit.js";
import { table } from "./table.js";

/** @typedef {import("../../control/control.ts").ConnectionView} ConnectionView */

export function connections() {
  const list = table(
    /** @type {import("./table.js").TableOptions<ConnectionView>} */ ({
      title: "Connections",
      path: "/v1/connections",
      search: "address",
      placeholder: "Address, in full",
      sort: "-bytes",
      none: "Nobody is connected.",
      columns: [
        { title: "Address", cell: ({ address, port }) => el("b", {}, `${address}:${port}`) },
        {
          title: "Way",
          cell: ({ direction, hop, listener }) =>
            direction === "dialed" ? `to ${hop ?? "a next hop"}` : `on ${listener ?? "?"}`,
        },
        {
          title: "Security",
          cell: ({ names, secure, tls }) => [
            secure ? (tls ?? "TLS") : "plain",
            ...(names.length > 0 ? [`, ${names[0]}`] : []),
          ],
        },
        { title: "Sessions", number: true, cell: ({ sessions }) => number(sessions) },
        { title: "In", number: true, cell: ({ bytesIn }) => bytes(bytesIn) },
        { title: "Out", number: true, sort: "bytes", cell: ({ bytesOut }) => bytes(bytesOut) },
        {
          title: "Waiting",
          number: true,
          sort: "backlog",
          cell: ({ backlog, held }) => (held ? `${bytes(backlog)}, held` : backlog > 0 ? bytes(backlog) : "–"),
        },
        { title: "Age", number: true, sort: "age", cell: ({ openedAt }) => duration(Date.now() - openedAt) },
        {
          title: "",
          cell: (it) =>
            el(
              "button",
              {
                class: "small danger",
                "aria-label": `Close the connection with ${it.address}:${it.port}`,
                onclick: () => close(it),
              },
              "Close",
            ),
        },
      ],
    }),
  );

  /** @param {ConnectionView} it */
  function close({ address, id, port, sessions }) {
    confirm({
      title: "Close this connection?",
      content: [
        el("p", {}, el("b", {}, `${address}:${port}`)),
        el(
          "p",
          { class: "soft" },
          sessions === 0
            ? "No session is on it."
            : `Its ${sessions === 1 ? "session ends" : `${sessions} sessions end`} with it.`,
        ),
      ],
      yes: "Close connection",
      danger: true,
      act: async () => {
        await order("DELETE", `/v1/connections/${encodeURIComponent(id)}`);
        toast(`The connection with ${address} is closed`);
        void list.refresh();
      },
    });
  }
  return list;
}
