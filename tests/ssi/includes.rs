//! Pages in pages.

use crate::{all_same, both, same};

const PAGES: &[&[u8]] = &[
    b"a<!--#include virtual='/part.txt'-->b",
    b"a<!--#include file='part.txt'-->b",
    b"a<!--#include virtual='part.txt'-->b<!--#include virtual='dir/part.txt'-->c",
    b"a<!--#include virtual='/says/x?a=1&b=$arg_x'-->b",
    b"a<!--#include virtual='$own'-->b<!--#include virtual=''-->c",
    b"a<!--#include virtual='/says/%41%25%42%3Fq?x=%41'-->b",
    b"a<!--#include virtual='/says/%2541'-->b<!--#include virtual='/says/a b'-->c",
    b"a<!--#include virtual='/says/../part.txt'-->b<!--#include virtual='../part.txt'-->c<!--#include virtual='/%2e%2e/x'-->d",
    b"a<!--#include virtual='/says/..x'-->b<!--#include virtual='/says/x..'-->c<!--#include virtual='/says?../x'-->d",
    b"a<!--#include virtual='/missing'-->b",
    b"a<!--#include virtual='/page404/missing'-->b",
    b"a<!--#include virtual='/fails'-->b<!--#include virtual='/moved'-->c<!--#include virtual='/empty'-->d",
    b"a<!--#include virtual='/denied'-->b<!--#include virtual='/inner'-->c<!--#include virtual='/dir/'-->d",
    b"a<!--#include virtual='/nothing.txt'-->b",
    b"a<!--#include-->b<!--#include virtual='/part.txt' file='part.txt'-->c",
    b"a<!--#include virtual='/part.txt' wait='yes'-->b<!--#include virtual='/part.txt' wait='No'-->c<!--#include virtual='/part.txt' wait='maybe'-->d",
    b"a<!--#include file='part.txt' wait='yes'-->b",
    b"a<!--#include virtual='/part.txt' set='x'-->b<!--#echo var='x'-->c",
    b"a<!--#include virtual='/says/x' set='X'-->b<!--#echo var='x'-->c",
    b"a<!--#include virtual='/missing' set='x'-->b<!--#echo var='x' default='d'-->c",
    b"a<!--#include virtual='/fails' set='x'-->b<!--#echo var='x' default='d'-->c<!--#echo var='y' default='d'-->",
    b"a<!--#include virtual='/part.txt' set='x' stub='s'-->b",
    b"a<!--#block name='s'-->stub <!--#echo var='uri'--><!--#endblock--><!--#include virtual='/part.txt' stub='s'-->b",
    b"a<!--#block name='s'-->stub <!--#echo var=\"uri\"--><!--#endblock--><!--#include virtual='/missing' stub='s'-->b<!--#include virtual='/missing2' stub='s'-->c",
    b"a<!--#block name='s'-->stub<!--#endblock--><!--#include virtual='/nothing.txt' stub='s'-->b<!--#include virtual='/empty' stub='s'-->",
    b"a<!--#block name='s'-->stub<!--#endblock--><!--#include virtual='/fails' stub='s'-->b<!--#include virtual='/moved' stub='s'-->c<!--#include virtual='/page404/x' stub='s'-->d",
    b"a<!--#block name='s'--><!--#endblock--><!--#include virtual='/missing' stub='s'-->b",
    b"a<!--#include virtual='/missing' stub='none'-->b<!--#include virtual='/part.txt' stub=''-->c",
    b"a<!--#block name='s'-->1<!--#endblock--><!--#block name='s'-->2<!--#endblock--><!--#include virtual='/missing' stub='s'-->b",
    b"a<!--#include virtual='/2.html'-->b<!--#include virtual='/0.html'-->c",
    b"a<!--#set var='x' value='outer'--><!--#include virtual='/31.html' wait='yes'--><!--#echo var='x'-->",
    b"[<!--#echo var='x'--><!--#set var='x' value='inner'-->]",
    b"a<!--#config errmsg='E' timefmt='T'--><!--#include virtual='/33.html'--><!--#oops-->",
    b"<!--#oops--><!--#echo var='date_gmt' default='x'--><!--#config timefmt='Z'-->",
    b"a<!--#if expr='/33.html = /(3)/'-->x<!--#endif--><!--#if expr='z3 = /z(3)/'--><!--#include virtual='/35.html'--><!--#endif-->",
    b"[<!--#echo var='1'-->]",
    b"a<!--#include virtual='/plain/part.txt'-->b<!--#include virtual='/off/2.html'-->c",
    b"a<!--#if expr='$none'--><!--#include virtual='/part.txt'--><!--#endif-->b",
    b"<!--#include virtual='/part.txt'--><!--#include virtual='/dir/part.txt'--><!--#include virtual='/part.txt'--><!--#include virtual='/missing'-->",
];

#[test]
fn pages_are_included_as_by_nginx() {
    // Dates of two servers may differ by a second.
    let pages: Vec<Vec<u8>> = PAGES
        .iter()
        .map(|page| page.to_vec())
        .map(|page| String::from_utf8_lossy(&page).replace("date_gmt", "date_gmtx").into_bytes())
        .collect();
    let bodies = all_same(&pages.iter().map(|page| &page[..]).collect::<Vec<_>>());
    assert_eq!(bodies[0], "a(part)b");
}

#[test]
fn many_long_pages_are_in_their_order() {
    let mut page = String::new();
    for number in 0..60 {
        page.push_str(&format!("{number}<!--#include virtual='/long{}.txt'-->", number % 7));
    }
    let parts: Vec<(String, String)> = (0..7)
        .map(|number| (format!("long{number}.txt"), format!("<{number}>").repeat(9000 + number)))
        .collect();
    let mut files: Vec<(&str, &[u8])> =
        parts.iter().map(|(name, text)| (&name[..], text.as_bytes())).collect();
    files.push(("page.html", page.as_bytes()));
    let (server, twin) = both(&files);
    let body = same(&server, &twin, "/page.html");
    assert!(body.len() > 60 * 27_000);
}

#[test]
fn circles_end_where_they_end_in_nginx() {
    let (server, twin) = both(&[("page.html", b"a<!--#include virtual='/page.html'-->b")]);
    let body = same(&server, &twin, "/page.html");
    assert_eq!(body.matches("an error occurred").count(), 1);
    assert!(server.error_log().contains("subrequests cycle while processing \"/page.html\""));
}

/// `aio threads`: every page is waited for, and so is each page in it.
#[test]
fn what_is_waited_for_comes_in_its_place() {
    let mut page = String::new();
    let mut wanted = String::new();
    let mut start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(support::site(
        "root html; ssi on; aio threads; default_type text/html; gzip on; gzip_types *;",
    ));
    for number in 0..40 {
        let wait = if number % 5 == 0 { " wait='yes'" } else { "" };
        page.push_str(&format!(
            "{number}<!--#include virtual='/{number}.html?n={number}'{wait} -->"
        ));
        let long = "x".repeat(number * 997);
        start = start.file(
            &format!("html/{number}.html"),
            format!("[<!--#echo var='arg_n'-->{long}<!--#include virtual='/part.txt'-->]"),
        );
        wanted.push_str(&format!("{number}[{number}{long}part]"));
    }
    let server = start.file("html/page.html", &page).file("html/part.txt", "part").start();
    let body = crate::ask(server.port(), "/page.html", "").text();
    assert!(body == wanted, "{} of {}", body.len(), wanted.len());
}
