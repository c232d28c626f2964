// Runs in each page before its own scripts, and keeps a record of what is seen in the page's video. The tests read it now and
// then: who asked all the time would take from the player the processor that it plays with.
"use strict";

globalThis.observer = (() => {
  const WIDTH = 640;
  const HEIGHT = 360;
  // Milliseconds between two looks at the picture: each copies it.
  const OFTEN = 200;
  // The clock in the picture: the milliseconds, a bit for each of as many fields side by side, and where those are.
  const BITS = 32;
  const ROW = 335;

  const canvas = new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d", { willReadFrequently: true });
  let video = null;
  let frames = 0;
  let hasPlayed = false;
  let stalls = 0;
  // Frames that came after later ones, though nobody had gone back.
  let backwards = 0;
  let last = -Infinity;
  // What the clock said, the number of the frame in which it did, and when that was read.
  let clock = 0;
  let number = 0;
  let read = 0;
  // The longest that what was seen was behind what was drawn.
  let worst = 0;

  // How long ago what is seen was drawn; the clock goes round in seven weeks. Infinity: there is none.
  const late = (now) => (clock ? (now - clock) % 2 ** BITS : Infinity);

  function look() {
    // Until now the frame before has been seen: a stall counts.
    const now = Date.now();
    if (read) worst = Math.max(worst, late(now));
    canvas.drawImage(video, 0, 0, WIDTH, HEIGHT);
    const row = canvas.getImageData(0, ROW, WIDTH, 1).data;
    const field = WIDTH / BITS;
    clock = 0;
    for (let bit = 0; bit < BITS; bit++) {
      if (row[4 * (field * bit + field / 2)] > 128) clock += 2 ** bit;
    }
    number = frames;
    read = now;
  }

  function next(_, { mediaTime }) {
    frames += 1;
    if (mediaTime < last) backwards += 1;
    last = mediaTime;
    if (Date.now() - read >= OFTEN) look();
    video.requestVideoFrameCallback(next);
  }

  document.addEventListener("DOMContentLoaded", () => {
    video = document.getElementById("video");
    if (!video) return;
    video.requestVideoFrameCallback(next);
    for (const name of ["seeking", "emptied"]) video.addEventListener(name, () => { last = -Infinity; });
    video.addEventListener("playing", () => { hasPlayed = true; });
    video.addEventListener("waiting", () => {
      // Before the first picture, and while it seeks to where it is to begin, everybody waits.
      if (hasPlayed && video.currentTime > 0 && !video.seeking) stalls += 1;
    });
  });

  return {
    // The record, and both clocks at the same moment.
    seen() {
      if (number < frames) look();
      const now = Date.now();
      worst = Math.max(worst, late(now));
      return {
        state: document.getElementById("state")?.textContent ?? "",
        told: parseFloat(document.getElementById("latency")?.textContent),
        time: video.currentTime,
        ready: video.readyState,
        width: video.videoWidth,
        height: video.videoHeight,
        frames,
        stalls,
        backwards,
        clock,
        late: late(now),
        drawn: now - late(now),
        worst,
      };
    },

    // The same; the worst is from now on.
    begin() {
      this.seen();
      worst = 0;
      return this.seen();
    },

    // The colour of the picture there, as it is now.
    colour(x, y) {
      canvas.drawImage(video, 0, 0, WIDTH, HEIGHT);
      return [...canvas.getImageData(x, y, 1, 1).data].slice(0, 3);
    },
  };
})();
