// Plays `address` with `player`, and counts what goes wrong.
"use strict";

const query = new URLSearchParams(location.search);
const video = document.getElementById("video");
const watched = { errors: [], fatal: 0, loads: 0 };

function fail(fatal, text) {
  watched.errors.push(text);
  watched.fatal += fatal ? 1 : 0;
  document.getElementById("line").textContent = watched.errors.join("; ");
}

video.addEventListener("playing", () => {
  document.getElementById("state").textContent = "playing";
});
video.addEventListener("error", () => fail(true, video.error.message));

const players = {
  "hls.js": (address) => {
    const hls = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5 });
    hls.on(Hls.Events.ERROR, (_, data) => {
      fail(data.fatal, `${data.details} ${data.response?.code ?? ""} ${data.error?.message ?? ""}`);
    });
    watched.range = () => ({ start: video.seekable.start(0), end: video.seekable.end(0) });
    hls.loadSource(address);
    hls.attachMedia(video);
  },
  "dash.js": (address) => {
    const player = dashjs.MediaPlayer().create();
    player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => fail(true, error.message ?? String(error)));
    player.initialize(video, address, true);
  },
  "mpegts.js": (address) => {
    const isFile = query.has("file");
    const url = new URL(address, location);
    if (query.has("socket")) url.protocol = "ws:";
    const player = mpegts.createPlayer(
      { type: url.pathname.endsWith(".ts") ? "mpegts" : "flv", isLive: !isFile, url: url.href },
      isFile ? {} : { enableStashBuffer: false, liveBufferLatencyChasing: true },
    );
    // It leaves it to the page to come back.
    const again = () => setTimeout(() => {
      watched.loads += 1;
      player.unload();
      player.load();
      player.play();
    }, 500);
    watched.player = player;
    player.on(mpegts.Events.ERROR, (kind, detail, about) => {
      fail(kind === mpegts.ErrorTypes.MEDIA_ERROR, `${kind} ${detail} ${about?.msg ?? ""}`);
      if (!isFile) again();
    });
    player.on(mpegts.Events.LOADING_COMPLETE, () => isFile || again());
    player.attachMediaElement(video);
    player.load();
    player.play();
  },
  shaka: async (address) => {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    player.addEventListener("error", ({ detail }) => {
      fail(detail.severity === 2, `${detail.code} ${JSON.stringify(detail.data)} ${detail.stack ?? ""}`);
    });
    // What it tells the element of that is not kept up to date.
    watched.range = () => player.seekRange();
    await player.attach(video);
    await player.load(address);
  },
};

const libraries = {
  "hls.js": "hls.js/dist/hls.min.js",
  "dash.js": "dashjs/dist/modern/umd/dash.all.min.js",
  "mpegts.js": "mpegts.js/dist/mpegts.js",
  shaka: "shaka-player/dist/shaka-player.compiled.js",
};

const script = document.createElement("script");
script.src = `/players/${libraries[query.get("player")]}`;
script.onload = async () => {
  try {
    await players[query.get("player")](query.get("address"));
  } catch (error) {
    fail(true, `${error.code ?? ""} ${error.message}`);
  }
};
script.onerror = () => fail(true, `${script.src} is not there`);
document.head.append(script);
