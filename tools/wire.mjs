// Turns a JSON Schema (stdin) into TypeScript (stdout); called by wire.py.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

import { compile } from 'json-schema-to-typescript';

const style = JSON.parse(
  await readFile(
    new URL('../labextension/prettier.json', import.meta.url),
    'utf8'
  )
);
const schema = JSON.parse(await text(process.stdin));
const types = await compile(schema, schema.title, {
  additionalProperties: false,
  bannerComment: '',
  cwd: process.cwd(),
  style
});
process.stdout.write(types);
