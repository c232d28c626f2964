//! The site that is shipped, as a visitor finds it.

use std::path::Path;

use support::curl;

use crate::chromium::Chromium;
use crate::stage::Stage;
use crate::{shipped, shipped_with};

/// `'self'` stands for the WebSocket, too; the live page's picture comes from a blob.
const POLICY: &str =
    "default-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'";
const PAGES: &[&str] =
    &["", "player.html", "events.html", "live.html", "recordings.html", "streams.html"];
const NAMES: &[&str] = &["Start", "Player", "Events", "Live", "Recordings", "Streams"];

/// Texts whose contrast is less than WCAG 2.2 asks of them (level AA: 4.5, large ones 3), one each line.
const FAINT: &str = "(() => { \
    const linear = part => { part /= 255; return part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4; }; \
    const parts = colour => colour.match(/[\\d.]+/g).map(Number); \
    const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b); \
    const behind = element => { \
      for (; element; element = element.parentElement) { \
        const found = parts(getComputedStyle(element).backgroundColor); \
        if (found.length < 4 || found[3] === 1) return found; \
      } \
      return [255, 255, 255]; \
    }; \
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), faint = []; \
    while (texts.nextNode()) { \
      const element = texts.currentNode.parentElement, style = getComputedStyle(element); \
      if (!texts.currentNode.data.trim() || !element.checkVisibility() || /SCRIPT|STYLE/.test(element.tagName)) continue; \
      const [a, b] = [light(parts(style.color)), light(behind(element))].sort((a, b) => b - a); \
      const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700; \
      if ((a + .05) / (b + .05) < (large ? 3 : 4.5)) faint.push(texts.currentNode.data.trim()); \
    } \
    return faint.join('|'); \
})()";

#[test]
fn the_front_page_lives() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.open(&server.url("/"));
    let count = || chromium.text("document.getElementById('count').textContent").parse::<u32>();
    server.wait_for("the counter", || count().is_ok_and(|count| count >= 1));
    let before = count().expect("a number");
    server.wait_for("a tick", || count().is_ok_and(|count| count > before));
    let clip = || chromium.number("document.getElementById('clip').currentTime");
    server.wait_for("the clip to play", || clip() > 0.5);
    assert_eq!(chromium.text("document.getElementById('clip').muted"), "true");
    assert_eq!(chromium.text("document.getElementById('on-air').hidden"), "true");
    let ranges = || server.access_log().contains("/media/day.mp4 HTTP/1.1\" 206 ");
    server.wait_for("ranges in the log", ranges);
    assert_eq!(chromium.complaints(), "[]");
}

#[test]
fn the_front_page_keeps_still_where_that_is_wished() {
    let server = shipped();
    let chromium = Chromium::start();
    chromium.keep_still();
    chromium.open(&server.url("/"));
    // It counts all the same; by then a clip that were to play would.
    let count = || chromium.text("document.getElementById('count').textContent").parse::<u32>();
    server.wait_for("the counter", || count().is_ok_and(|count| count >= 2));
    let clip = "(clip => clip.autoplay || !clip.paused)(document.getElementById('clip'))";
    assert_eq!(chromium.text(clip), "false");
    assert_eq!(chromium.text("document.getElementById('beat').getAnimations().length"), "0");
}

#[test]
fn the_front_page_shows_a_stream_that_runs() {
    let stage = Stage::of(shipped());
    let _publisher = stage.publish("camera");
    stage.chromium.open(&stage.server.url("/"));
    stage.server.wait_for("the stream", || stage.hidden("on-air") == "false");
    assert_eq!(stage.said("on-air-name"), "camera");
    stage.chromium.text("document.getElementById('on-air-link').click()");
    let is_there = "location.pathname === '/live.html' && document.readyState === 'complete'";
    stage.server.wait_for("its page", || stage.chromium.text(is_there) == "true");
    stage.watch("the stream, on its page", 0.5);
}

/// The first step of the front page names a line.
#[test]
fn the_line_to_change_is_the_one_that_is_named() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    let conf = std::fs::read_to_string(home.join("rserve.conf")).expect("conf/rserve.conf");
    let line = conf.lines().position(|line| line.contains("conf/html;  # this site"));
    let page = std::fs::read_to_string(home.join("html/index.html")).expect("index.html");
    let named = format!(">line {}</span>", line.expect("the line") + 1);
    assert!(page.contains(&named), "index.html does not name {named}");
}

#[test]
fn every_command_can_be_copied() {
    let server = shipped();
    let chromium = Chromium::start();
    for page in PAGES {
        chromium.open(&server.url(&format!("/{page}")));
        let bare = "[...document.querySelectorAll('pre')].filter(pre => !pre.parentElement.querySelector('button')).length";
        server.wait_for("all buttons", || chromium.text(bare) == "0");
    }
    // Without a clipboard, as on a page that was not loaded over TLS.
    chromium.open(&server.url("/"));
    chromium.text("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    chromium.text("(window.copied = '', document.execCommand = () => { copied = String(getSelection()); return true; })");
    let place = "[...document.querySelectorAll('.copied')].find(place => place.textContent.includes('reload'))";
    server.wait_for("the button", || chromium.text(&format!("!!{place}?.lastChild")) == "true");
    chromium.text(&format!("{place}.lastChild.click()"));
    server.wait_for("the copy", || chromium.text("copied") == "rserve -s reload");
}

/// At both widths and in both themes; under a policy that forbids what is inline.
#[test]
fn the_pages_fit_and_can_be_read() {
    let server = shipped_with(|conf| {
        let range = "range       on;";
        assert!(conf.contains(range));
        conf.replace(range, &format!("{range} add_header Content-Security-Policy \"{POLICY}\";"))
    });
    let chromium = Chromium::start();
    for (width, theme) in [(1366, "light"), (360, "dark"), (360, "light"), (1366, "dark")] {
        chromium.look(width, theme);
        for (page, name) in PAGES.iter().zip(NAMES) {
            chromium.open(&server.url(&format!("/{page}")));
            let what = format!("/{page}, {width} pixels, {theme}");
            let wide = chromium.number("document.documentElement.scrollWidth");
            assert!(wide <= f64::from(width), "{what}: {wide} wide");
            assert_eq!(chromium.text(FAINT), "", "{what}");
            let icon = chromium.text("document.querySelector('link[rel=icon]').href");
            assert_eq!(curl(&[&icon]).status, 200, "{what}: {icon}");
            let links = "[...document.querySelectorAll('nav a')].map(a => a.textContent).join()";
            assert_eq!(chromium.text(links), NAMES.join(","), "{what}");
            let here = chromium.text("document.querySelector('nav [aria-current]').textContent");
            assert_eq!(here, *name, "{what}");
            let named =
                chromium.text("document.title.includes(document.querySelector('h1').textContent)");
            assert_eq!(named, "true", "{what}: title and heading");
            if width == 360 {
                let left = |of: &str| {
                    chromium.number(&format!(
                        "document.querySelector('{of}').getBoundingClientRect().left"
                    ))
                };
                assert_eq!(
                    left("nav a"),
                    left("h1"),
                    "{what}: the links begin where the heading does"
                );
            }
        }
        assert_eq!(chromium.complaints(), "[]");
    }
}

#[test]
fn errors_have_pages_and_keep_their_status() {
    let server = shipped_with(|conf| {
        conf.replace(
            "# location /private/",
            "location /x/ { deny all; } location /y/ { return 503; } # location /private/",
        )
    });
    for (path, status, words) in [
        ("/nothing", 404, "<h1>Not found</h1>"),
        ("/a/b/nothing.mp4?c", 404, "<h1>Not found</h1>"),
        ("/x/", 403, "<h1>Not allowed</h1>"),
        ("/y/", 503, "<h1>Out of order</h1>"),
        // Asked for themselves they are not there, not even to be cached.
        ("/404.html", 404, "<h1>Not found</h1>"),
        ("/50x.html", 404, "<h1>Not found</h1>"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains(words), "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/html"), "{path}");
    }
    // As nginx: validators and ranges are for 200s.
    for header in ["If-None-Match: *", "Range: bytes=0-9"] {
        assert_eq!(server.curl(&["-H", header], "/nothing").status, 404, "{header}");
    }
    let chromium = Chromium::start();
    for (width, theme, back) in
        [(1366, "light", "rgb(250, 249, 245)"), (360, "dark", "rgb(16, 22, 21)")]
    {
        chromium.look(width, theme);
        chromium.open(&server.url("/a/b/nothing"));
        assert_eq!(chromium.text("getComputedStyle(document.body).backgroundColor"), back);
        assert_eq!(chromium.text(FAINT), "");
        assert!(chromium.number("document.documentElement.scrollWidth") <= f64::from(width));
        chromium.text("document.querySelector('a').click()");
        server.wait_for("the front page", || chromium.text("location.pathname") == "/");
    }
}

/// Each error page has its style in it, and it is the site's.
#[test]
fn error_pages_have_one_style() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/html");
    let read = |name: &str| std::fs::read_to_string(home.join(name)).expect("a page");
    let style = |name: &str| {
        let text = read(name);
        let inside = text.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
        inside.expect("a style").to_owned()
    };
    let wanted = style("404.html");
    assert_eq!(style("403.html"), wanted);
    assert_eq!(style("50x.html"), wanted);
    let site = read("style.css");
    for word in wanted.split_whitespace().filter(|word| word.starts_with('#')) {
        assert!(site.contains(word), "style.css has no colour {word}");
    }
}
