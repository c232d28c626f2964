//! What is stored, and for how long, beside nginx.

use support::{Twin, http, start};

use crate::origin::Origin;
use crate::outcome;

/// Fields of answers, by the number that is asked for. (Which of two counts that say different things depends on nginx's
/// version: the newer ones have this server's order, whatever comes first.)
const ANSWERS: &[&str] = &[
    "",
    "Cache-Control: max-age=60\r\n",
    "Cache-Control: max-age=0\r\n",
    "Cache-Control: no-cache\r\n",
    "Cache-Control: no-store\r\n",
    "Cache-Control: private\r\n",
    "Cache-Control: public\r\n",
    "Cache-Control: Max-Age=60\r\n",
    "Cache-Control: s-maxage=60\r\n",
    "Cache-Control: max-age=0, s-maxage=60\r\n",
    "Cache-Control: max-age=60, s-maxage=0\r\n",
    "Cache-Control: max-age=60\r\nCache-Control: private\r\n",
    "X-Accel-Expires: 60\r\n",
    "X-Accel-Expires: 0\r\n",
    "X-Accel-Expires: @2000000000\r\n",
    "X-Accel-Expires: @1000000000\r\n",
    "Expires: Thu, 01 Jan 2037 00:00:00 GMT\r\n",
    "Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
    "Expires: 0\r\n",
    "Expires: Thu, 01 Jan 2037 00:00:00 GMT\r\nCache-Control: no-store\r\n",
    "Set-Cookie: a=b\r\nCache-Control: max-age=60\r\n",
    "Vary: *\r\nCache-Control: max-age=60\r\n",
    "Vary: Accept\r\nCache-Control: max-age=60\r\n",
    "Pragma: no-cache\r\nCache-Control: max-age=60\r\n",
];

#[test]
fn the_same_answers_are_stored() {
    let origin = Origin::start(|exchange| {
        let mut parts = exchange.target().trim_start_matches('/').split('/');
        let number: usize = parts.next().and_then(|text| text.parse().ok()).expect("a number");
        let status = parts.next().unwrap_or("200").to_owned();
        exchange.answer(&format!("{status} X"), ANSWERS[number], "body")
    });
    for settings in
        ["", "proxy_cache_valid 200 1m; proxy_cache_valid any 1m;", "proxy_cache_valid 1m;"]
    {
        let conf = http(&format!(
            "proxy_cache_path cache levels=1:2 keys_zone=z:1m use_temp_path=off;
             server {{ listen 127.0.0.1:{{port}}; add_header X-Cache $upstream_cache_status always;
                 location / {{ proxy_pass http://127.0.0.1:{}; proxy_cache z; {settings} }} }}",
            origin.port
        ));
        let ours = start!(&conf);
        let theirs = Twin::start(&conf, &ours);
        for (number, fields) in ANSWERS.iter().enumerate() {
            for status in ["200", "404", "500"] {
                let path = format!("/{number}/{status}");
                let twice = |url: String| {
                    (0..2).map(|_| outcome(&support::curl(&[&url]))).collect::<Vec<_>>()
                };
                let (ours, theirs) = (twice(ours.url(&path)), twice(theirs.url(&path)));
                assert_eq!(ours, theirs, "{settings} {status} {fields:?}");
            }
        }
    }
}
