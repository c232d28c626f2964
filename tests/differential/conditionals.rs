//! Conditional requests.

use crate::Case;

#[rustfmt::skip]
const DATES: &[&str] = &[
    "Fri, 01 Jan 2021 00:00:00 GMT", "Fri, 01 Jan 2021 00:00:01 GMT",
    "Thu, 31 Dec 2020 23:59:59 GMT", "Friday, 01-Jan-21 00:00:00 GMT", "Fri Jan  1 00:00:00 2021",
    "Mon, 01 Jan 2021 00:00:00 GMT", "Fri, 01 Jan 2021 00:00:00", "Fri, 01 Jan 2021 00:00:00 CET",
    "Fri, 1 Jan 2021 00:00:00 GMT", "fri, 01 jan 2021 00:00:00 gmt", "01 Jan 2021 00:00:00 GMT",
    "Fri, 32 Jan 2021 00:00:00 GMT", "Fri, 01 Jan 2021 24:00:00 GMT",
    "Fri, 01 Jan 0000 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 01 Jan 9999 00:00:00 GMT", "Mon, 29 Feb 2021 00:00:00 GMT", "1609459200", "x", "", "0",
    " Fri, 01 Jan 2021 00:00:00 GMT ", "Fri, 01 Jan 2021 00:00:00 GMT; length=5",
];
/// The file's is `"5fee6600-64"`.
#[rustfmt::skip]
const TAGS: &[&str] = &[
    "\"5fee6600-64\"", "W/\"5fee6600-64\"", "w/\"5fee6600-64\"", "5fee6600-64", "\"x\"", "*",
    "\"*\"", "\"x\", \"5fee6600-64\"", "\"x\",\"5fee6600-64\"", "\"x\" , \"5fee6600-64\"",
    "\"x\", W/\"5fee6600-64\"", "\"5fee6600-64\", \"x\"", "\"x\" \"5fee6600-64\"",
    "\"x\",, \"5fee6600-64\"", "\"5fee6600-64\"x", "x\"5fee6600-64\"", "\"5fee6600-64", "", ",",
    "\"5FEE6600-64\"", "*, \"x\"", "\"x\", *", "W/", "\"\"",
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for uri in [
        "/file.txt",
        "/before/file.txt",
        "/never/file.txt",
        "/empty.txt",
        "/missing",
        "/exact",
        "/dir/",
        "/301",
    ] {
        for date in DATES {
            for name in ["If-Modified-Since", "If-Unmodified-Since"] {
                cases.push(Case::request("GET", uri, &format!("{name}: {date}\r\n")));
            }
        }
        for tag in TAGS {
            for name in ["If-Match", "If-None-Match"] {
                cases.push(Case::request("GET", uri, &format!("{name}: {tag}\r\n")));
            }
        }
    }
    for condition in DATES.iter().chain(TAGS) {
        for uri in ["/file.txt", "/never/file.txt", "/none/file.txt"] {
            let fields = format!("Range: bytes=5-9\r\nIf-Range: {condition}\r\n");
            cases.push(Case::request("GET", uri, &fields));
        }
        cases.push(Case::request("GET", "/file.txt", &format!("If-Range: {condition}\r\n")));
        cases.push(Case::request(
            "GET",
            "/file.txt",
            &format!("Range: bytes=500-\r\nIf-Range: {condition}\r\n"),
        ));
    }
    for date in &DATES[..3] {
        for tag in &TAGS[..6] {
            for (first, second) in [
                ("If-Modified-Since", "If-None-Match"),
                ("If-Unmodified-Since", "If-Match"),
                ("If-Modified-Since", "If-Match"),
                ("If-Unmodified-Since", "If-None-Match"),
            ] {
                for more in ["", "Range: bytes=1-2\r\n"] {
                    let fields = format!("{first}: {date}\r\n{second}: {tag}\r\n{more}");
                    cases.push(Case::request("GET", "/file.txt", &fields));
                    cases.push(Case::request("HEAD", "/file.txt", &fields));
                    cases.push(Case::request("GET", "/added/file.txt", &fields));
                }
            }
        }
    }
    cases
}
