/** How `/docs` looks. A text and not a file, so that it is inside of whatever one file parley is built into. */
export const documentCss = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --ground: #fff; --panel: #f6f8fa; --link: #0a58ca; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --ground: #0d1117; --panel: #151b23; --link: #6cb0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  display: grid; grid-template: auto 1fr / minmax(15rem, 20rem) minmax(0, 1fr); }
header { grid-column: 1 / -1; padding: 1rem 1.5rem; border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 1.4rem; }
.version { margin: 0; color: var(--soft); }
nav { padding: 1rem 1.5rem; border-right: 1px solid var(--line); font-size: .875rem; }
nav h2 { margin: 1rem 0 .25rem; font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; color: var(--soft); }
nav ul { margin: 0; padding: 0; list-style: none; }
nav a { display: block; padding: .1rem 0; overflow-wrap: anywhere; text-decoration: none; }
main { padding: 1rem 2rem 4rem; max-width: 60rem; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
article { margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; scroll-margin-top: 1rem; }
article:target { border-color: var(--link); }
article h3 { margin: 0 0 .25rem; font-size: 1rem; overflow-wrap: anywhere; }
article p { margin: .25rem 0; }
i, small, caption { color: var(--soft); }
b { font-size: .8em; }
.DELETE { color: #cf222e; } .POST, .PUT { color: #9a6700; } .GET { color: #1a7f37; }
@media (prefers-color-scheme: dark) { .DELETE { color: #ff7b72; } .POST, .PUT { color: #d29922; } .GET { color: #3fb950; } }
table { width: 100%; border-collapse: collapse; margin: .5rem 0; font-size: .875rem; }
caption { text-align: left; font-weight: 600; }
th, td { padding: .25rem .5rem .25rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
code, pre { font: .875em ui-monospace, monospace; }
pre { padding: .75rem 1rem; overflow-x: auto; background: var(--panel); border-radius: .5rem; }
@media (max-width: 48rem) {
  body { display: block; }
  nav { border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 1rem; }
}
`;
