// Plays `address` with `player`, and counts what goes wrong.
"use strict";

const query = new URLSearchParams(location.search);
const video = document.getElementById("video");
const watched = { errors: [], fatal: 0, stalls: 0 };

function fail(fatal, text) {
  watched.errors.push(text);
  watched.fatal += fatal ? 1 : 0;
  document.getElementById("line").textContent = watched.errors.join("; ");
}

video.addEventListener("playing", () => {
  document.getElementById("state").textContent = "playing";
});
video.addEventListener("waiting", () => {
  // Before the first picture, and while it seeks to where it is to begin, everybody waits.
  if (video.currentTime > 0 && !video.seeking && document.getElementById("state").textContent) {
    watched.stalls += 1;
  }
});
video.addEventListener("error", () => fail(true, video.error.message));

const players = {
  "hls.js": (address) => {
    const hls = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5 });
    hls.on(Hls.Events.ERROR, (_, data) => {
      fail(data.fatal, `${data.details} ${data.response?.code ?? ""} ${data.error?.message ?? ""}`);
    });
    hls.loadSource(address);
    hls.attachMedia(video);
  },
  "dash.js": (address) => {
    const player = dashjs.MediaPlayer().create();
    player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => fail(true, error.message ?? String(error)));
    player.initialize(video, address, true);
  },
  shaka: async (address) => {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    player.addEventListener("error", ({ detail }) => {
      fail(detail.severity === 2, `${detail.code} ${JSON.stringify(detail.data)}`);
    });
    await player.attach(video);
    await player.load(address);
  },
};

Promise.resolve(players[query.get("player")](query.get("address"))).catch((error) => {
  fail(true, `${error.code ?? ""} ${error.message}`);
});
