//! The page that plays a stream: what browsers can do by themselves, and nothing else.

use proto::escape;

/// The page of a stream with this name. `sources`: addresses, and the types of what is there.
pub fn page(name: &[u8], sources: &[(String, &str)]) -> Vec<u8> {
    let mut page = Vec::with_capacity(1024);
    page.extend_from_slice(
        b"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
          <meta name=\"viewport\" content=\"width=device-width\">\n\
          <meta name=\"color-scheme\" content=\"dark light\">\n<link rel=\"icon\" href=\"data:,\">\n<title>",
    );
    escape::html(name, &mut page);
    page.extend_from_slice(
        b"</title>\n<style>\n\
          :root { color-scheme: dark light }\n\
          body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas }\n\
          video { width: 100%; max-height: 100vh }\n\
          </style>\n<video autoplay muted controls playsinline>\n",
    );
    for (address, media_type) in sources {
        page.extend_from_slice(b"<source src=\"");
        escape::html(address.as_bytes(), &mut page);
        page.extend_from_slice(b"\" type=\"");
        escape::html(media_type.as_bytes(), &mut page);
        page.extend_from_slice(b"\">\n");
    }
    page.extend_from_slice(b"</video>\n</html>\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text() {
        let sources = [("a?b=\"c\"&d".to_owned(), "video/mp4")];
        let text = String::from_utf8(page(b"<script>&\"", &sources)).expect("text");
        assert!(text.contains("<title>&lt;script&gt;&amp;&quot;</title>"), "{text}");
        assert!(text.contains("src=\"a?b=&quot;c&quot;&amp;d\" type=\"video/mp4\""), "{text}");
    }
}
