/** Asks the server about a form while it is filled in: a moment after the last change, and never the same twice. */

const PAUSE_MS = 400;

/**
 * @param {HTMLFormElement} form
 * @param {object} options
 * @param {string} options.url
 * @param {(name: string) => boolean} options.isWatched  whether a field of this name matters
 * @param {() => string} options.question  the query string for the form as it is
 * @param {(answer: any) => void} options.show  until the server answers, what is shown stays
 */
export function askWhileTyping(form, { url, isWatched, question, show }) {
  let timer = 0;
  let request = new AbortController();
  let asked = question();

  const ask = async () => {
    const now = question();
    if (now === asked) return;
    asked = now;
    request.abort();
    request = new AbortController();
    try {
      const answer = await fetch(`${url}?${now}`, { signal: request.signal });
      if (answer.ok) show(await answer.json());
      else asked = "";
    } catch {
      if (asked === now) asked = "";
    }
  };

  for (const type of ["input", "change"]) {
    form.addEventListener(type, (event) => {
      if (!isWatched(event.target.name)) return;
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), PAUSE_MS);
    });
  }
}
