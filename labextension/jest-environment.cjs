const { TestEnvironment } = require('jest-environment-jsdom');

/**
 * A page as jsdom makes it, with what browsers have and jsdom lacks.
 */
class PageEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    const { AbortController, AbortSignal, Headers, Request, Response, fetch } =
      globalThis;
    const { ReadableStream, TextDecoder, TextEncoder } = globalThis;
    Object.assign(this.global, {
      AbortController,
      AbortSignal,
      Headers,
      ReadableStream,
      Request,
      Response,
      TextDecoder,
      TextEncoder,
      fetch
    });
    // Lumino's is a class of its own, at the moment it is loaded.
    this.global.DragEvent ??= class extends this.global.MouseEvent {};
  }
}

module.exports = PageEnvironment;
