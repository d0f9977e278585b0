/*
 * Sends pictures to the server one after the other and puts each where it was pasted or dropped.
 */

import { ownImage } from "./clean.js";

/**
 * @param {object} options
 * @param {string} options.url  where a picture is posted; "" where pictures cannot be put in the text
 * @param {(words: string) => void} options.say  shown and read out
 * @param {(share: number | null) => void} options.progress  0 to 1 while sending, null when done
 * @param {(image: HTMLImageElement, place: Range) => void} options.insert
 */
export function makeUploads({ url, say, progress, insert }) {
  /** @type {{file: File, place: Range}[]} */
  const waiting = [];
  let running = null;

  async function run() {
    /** What went wrong must not be covered by the word that the next picture went well. */
    const refused = [];
    while (waiting.length > 0) {
      running = waiting.shift();
      const { file } = running;
      progress(0);
      say([...refused, `Uploading ${file.name}…`].join(" "));
      try {
        const path = await send(url, file, progress);
        const image = document.createElement("img");
        image.src = path;
        image.alt = file.name;
        insert(image, running.place);
        say([...refused, `${file.name} is in the text.`].join(" "));
      } catch (error) {
        refused.push(error.message);
        say(refused.join(" "));
      }
    }
    running = null;
    progress(null);
  }

  const onTheirWay = () => (running === null ? waiting : [running, ...waiting]);
  return {
    /** Names of the pictures that are on their way. */
    get pending() {
      return onTheirWay().map(({ file }) => file.name);
    },
    /** The text was replaced, and with it every place in it: they go here instead. */
    moveTo(range) {
      const place = range.cloneRange();
      for (const upload of onTheirWay()) upload.place = place;
    },
    /**
     * @param {Iterable<File>} files
     * @param {Range} place
     */
    add(files, place) {
      if (url === "") {
        say("Pictures cannot be put in this text. Attach them as files.");
        return;
      }
      // One place for all of them: each picture moves it behind itself.
      const shared = place.cloneRange();
      for (const file of files) waiting.push({ file, place: shared });
      if (running === null && waiting.length > 0) void run();
    },
  };
}

/**
 * Post one picture.
 * @returns {Promise<string>}  the path to show it by
 * @throws {Error}  with words for the agent
 */
function send(url, file, progress) {
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${file.name} was not uploaded: ${why}`));
    // fetch cannot tell how much of a body has been sent.
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      const answer = readJson(request.responseText);
      const path = typeof answer.url === "string" ? ownImage(answer.url) : null;
      if (request.status === 201 && path !== null) resolve(path);
      else if (typeof answer.error === "string" && answer.error !== "") fail(answer.error);
      else if (request.status === 413) fail("it is too large. Try a smaller one.");
      else if ([401, 403].includes(request.status)) fail("you are logged out. Log in again in another tab.");
      else fail(`the server answered ${request.status}. Try again later.`);
    });
    request.addEventListener("error", () => fail("no connection. Try again."));
    request.addEventListener("abort", () => fail("it was interrupted. Try again."));
    const form = new FormData();
    form.append("image", file, file.name);
    request.open("POST", url);
    request.setRequestHeader("X-CSRF-Token", document.querySelector('meta[name="csrf-token"]')?.content ?? "");
    request.setRequestHeader("Accept", "application/json");
    request.send(form);
  });
}

function readJson(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
