//! Answers of scripts are kept, as those of other servers are.

use support::{http, start};

use crate::php::Php;

const SCRIPT: &str = "<?php
header('Cache-Control: max-age=' . ($_GET['for'] ?? '60'));
header('ETag: \"tag\"');
if (($_SERVER['HTTP_IF_NONE_MATCH'] ?? '') == '\"tag\"') { http_response_code(304); exit; }
$count = (int) @file_get_contents(__DIR__ . '/count');
file_put_contents(__DIR__ . '/count', $count + 1);
if (isset($_SERVER['HTTP_AUTHORIZATION'])) echo 'for ', $_SERVER['HTTP_AUTHORIZATION'], ' ';
echo 'answer ', $count, ' ', $_SERVER['HTTP_RANGE'] ?? '-';";

#[test]
fn scripts_are_asked_once() {
    let php = Php::start(2);
    let server = start!(http(&format!(
        "fastcgi_cache_path cache keys_zone=z:1m;
         server {{ listen 127.0.0.1:{{port}}; add_header X-Cache $upstream_cache_status;
             location / {{ fastcgi_pass {}; fastcgi_param SCRIPT_FILENAME $document_root/page.php;
                 fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
                 fastcgi_cache z; fastcgi_cache_key $request_uri; fastcgi_cache_revalidate on; }} }}",
        php.address()
    )));
    server.file("html/page.php", SCRIPT);
    let told = |args: &[&str], path: &str| {
        let answer = server.curl(args, path);
        (answer.status, answer.header("X-Cache").unwrap_or("-").to_owned(), answer.text())
    };
    let whole = |outcome: &str| (200, outcome.to_owned(), "answer 0 -".to_owned());
    // As in nginx: of what does not say how long it is there are no parts.
    assert_eq!(told(&["-r", "0-5"], "/"), whole("MISS"));
    assert_eq!(told(&[], "/"), whole("HIT"));
    assert_eq!(told(&["-r", "0-5"], "/"), (206, "HIT".into(), "answer".into()));
    assert_eq!(told(&["-H", "If-None-Match: \"tag\""], "/"), (304, "HIT".into(), String::new()));
    assert_eq!(told(&["-I"], "/").1, "HIT");
    // What is over is asked about, and not made again.
    assert_eq!(told(&[], "/?for=1").2, "answer 1 -");
    server.wait_for("its end", || told(&[], "/?for=1").1 == "REVALIDATED");
    assert_eq!(told(&[], "/?for=1").2, "answer 1 -");
    // What is one user's is no other's.
    for (user, number) in [("a", 2), ("b", 3), ("a", 4)] {
        let told = told(&["-H", &format!("Authorization: {user}")], "/?user");
        assert_eq!(told, (200, "MISS".into(), format!("for {user} answer {number} -")));
    }
    assert_eq!(told(&[], "/?user").2, "answer 5 -");
}
