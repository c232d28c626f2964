// XMLHttpRequest as a browser has it, as far as clients of event streams ask for it: `progress`, and
// events with a target.
import { XMLHttpRequest } from 'xmlhttprequest';

globalThis.XMLHttpRequest = class extends XMLHttpRequest {
  constructor() {
    super();
    const add = this.addEventListener;
    // It tells an abort when it is opened.
    this.addEventListener = (type, listener) => type === 'abort' ||
      add.call(this, type, () => listener({ type, target: this, currentTarget: this }));
    add.call(this, 'readystatechange', () => {
      if (this.readyState === 3) this.dispatchEvent('progress');
    });
    this.setDisableHeaderCheck(true);
  }
};
for (const [state, name] of ['UNSENT', 'OPENED', 'HEADERS_RECEIVED', 'LOADING', 'DONE'].entries()) {
  globalThis.XMLHttpRequest[name] = state;
}
