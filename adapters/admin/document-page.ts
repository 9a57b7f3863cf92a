/** The OpenAPI document as a page to read: one section for each operation, made of the document alone. */
import { html } from "hono/html";

type Markup = ReturnType<typeof html>;

/** As much of OpenAPI 3.1 as our own document uses. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly description?: string; readonly content: Content };
  readonly responses?: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
}

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function pageFor({ info, tags = [], paths, components }: OpenApi): Markup {
  const entries: Entry[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const sections = tags.map(({ name }) => ({
    name,
    list: entries.filter(({ operation }) => operation.tags?.[0] === name),
  }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title}</title>
<link rel="stylesheet" href="/docs.css">
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
</head>
<body>
<header><h1>${info.title}</h1><p class="version">${info.version} · <a href="/openapi.json">openapi.json</a></p></header>
<nav aria-label="Contents">${sections.map(
    ({ name, list }) =>
      html`<section><h2>${name}</h2><ul>${list.map(
        (entry) =>
          html`<li><a href="#${anchor(entry)}"><b class="${entry.method}">${entry.method}</b> ${entry.path}</a></li>`,
      )}</ul></section>`,
  )}<section><h2>Shapes</h2><ul>${Object.keys(components?.schemas ?? {}).map(
    (name) => html`<li><a href="#${name}">${name}</a></li>`,
  )}</ul></section></nav>
<main>
<p>${info.description ?? ""}</p>
<pre>curl -H "Authorization: Bearer $(cat parley-data/admin.token)" http://127.0.0.1:8080/v1/info</pre>
${sections.map(({ name, list }) => html`<h2>${name}</h2>${list.map(operationOf)}`)}
<h2>Shapes</h2>
${Object.entries(components?.schemas ?? {}).map(
  ([name, schema]) =>
    html`<article id="${name}"><h3>${name}</h3>${paragraph(schema.description)}${fieldsOf(schema)}</article>`,
)}
</main>
</body>
</html>`;
}

function operationOf(entry: Entry): Markup {
  const { method, path, operation } = entry;
  const { summary, description, security, parameters = [], requestBody, responses = {} } = operation;
  const scope = security?.[0]?.token?.[0];
  return html`<article id="${anchor(entry)}">
<h3><b class="${method}">${method}</b> <code>${path}</code></h3>
<p>${summary}${scope === undefined ? html` <i>No token needed.</i>` : html` <i>Needs ${scope}.</i>`}</p>
${paragraph(description)}
${
  parameters.length === 0
    ? ""
    : html`<table><caption>Parameters</caption>${parameters.map(
        ({ name, in: place, description, required, schema }) =>
          html`<tr><th scope="row"><code>${name}</code></th><td>${place}${required === true ? ", required" : ""}</td><td>${typeOf(schema)}${
            schema?.default === undefined ? "" : html`, else <code>${textOf(schema.default)}</code>`
          }</td><td>${description ?? ""}</td></tr>`,
      )}</table>`
}
${requestBody === undefined ? "" : bodyOf(requestBody)}
<table><caption>Answers</caption>${Object.entries(responses).map(
    ([status, answer]) =>
      html`<tr><th scope="row">${status}</th><td>${answer.description}</td><td>${Object.entries(
        answer.content ?? {},
      ).map(([type, { schema }]) => html`${typeOf(schema)} <small>${type}</small>`)}</td></tr>`,
  )}</table>
</article>`;
}

function bodyOf({ description, content }: NonNullable<Operation["requestBody"]>): Markup {
  return html`${Object.entries(content).map(
    ([type, { schema }]) =>
      html`<p>Body: <small>${type}</small> ${description ?? ""}</p>${schema?.properties === undefined ? "" : fieldsOf(schema)}`,
  )}`;
}

function fieldsOf({ properties = {}, required = [] }: Schema): Markup | string {
  const rows = Object.entries(properties);
  if (rows.length === 0) return "";
  return html`<table>${rows.map(
    ([name, schema]) =>
      html`<tr><th scope="row"><code>${name}</code></th><td>${typeOf(schema)}${required.includes(name) ? "" : ", may be absent"}</td><td>${
        schema.description ?? ""
      }</td></tr>`,
  )}</table>`;
}

/** In a few words, with links to the shapes. */
function typeOf(schema: Schema | undefined): Markup | string {
  if (schema === undefined) return "";
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return html`<a href="#${name}">${name}</a>`;
  }
  if (schema.enum !== undefined) return schema.enum.map(String).join(", ");
  if (schema.anyOf !== undefined)
    return html`${schema.anyOf.map((one, index) => html`${index > 0 ? " or " : ""}${typeOf(one)}`)}`;
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}`;
  if (schema.properties?.items?.items !== undefined) return html`page of ${typeOf(schema.properties.items.items)}`;
  if (typeof schema.additionalProperties === "object") return html`map of ${typeOf(schema.additionalProperties)}`;
  return schema.type ?? "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function paragraph(text: string | undefined): Markup | string {
  return text === undefined ? "" : html`<p>${text}</p>`;
}

function anchor({ method, path }: Entry): string {
  return `${method}${path.replace(/[^\w]+/g, "-")}`;
}
