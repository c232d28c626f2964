//! Variables, conditions, blocks.

use crate::{all_same, ask, both, facts, same};

const PAGES: &[&[u8]] = &[
    // Variables.
    b"<!--#echo var='own'-->|<!--#echo var='OWN' encoding='none'-->|<!--#echo var='own'-->",
    b"<!--#echo var='own' encoding='url'-->|<!--#echo var='own' encoding='entity'-->|<!--#echo var='own' encoding='other'-->",
    b"<!--#echo var='QUERY_STRING'-->|<!--#echo var='arg_y' encoding='none'-->|<!--#echo var='http_host'-->",
    b"<!--#echo var='none'-->|<!--#echo var='none' default='def <ault>'-->|<!--#echo var='none' default=''-->",
    b"<!--#echo var=''-->|<!--#echo var='\xff'-->|<!--#echo var='a b'-->",
    b"<!--#echo var='1'-->|<!--#echo var='1' default='d'-->|<!--#echo var='10'-->",
    b"<!--#set var='X' value='1'--><!--#echo var='x'--><!--#set var='x' value='2$x'--><!--#echo var='X'-->",
    b"<!--#set var='own' value='page'--><!--#echo var='own'-->|<!--#set var='1' value='x'--><!--#echo var='1'-->",
    b"<!--#set var='x' value=''-->|<!--#echo var='x'-->|<!--#echo var='x' default='d'-->",
    b"<!--#set var='x' value='${own}b'--><!--#echo var='x'-->|<!--#set var='x' value='$'--><!--#echo var='x'-->",
    b"<!--#set var='x' value='a${own'--><!--#echo var='x'-->|<!--#set var='x' value='${}'--><!--#echo var='x'-->",
    b"<!--#set var='x' value='$none-$own'--><!--#echo var='x'-->|<!--#set var='x' value='$$'--><!--#echo var='x'-->",
    b"<!--#set var='x' value='a\\$b \\\\ $own \\\\ \\n'--><!--#echo var='x'-->",
    b"<!--#set var='x' value='$1a'--><!--#echo var='x'-->",
    b"<!--#set var='x'-->|<!--#set value='x'-->|<!--#set-->",
    // Formats.
    b"<!--#config timefmt='%Y'--><!--#echo var='date_gmt'-->|<!--#echo var='DATE_LOCAL'-->",
    b"<!--#config timefmt=''--><!--#echo var='date_gmt'-->|",
    b"<!--#config timefmt='[%%]'--><!--#echo var='date_gmt'-->|<!--#set var='x' value='$date_gmt'--><!--#echo var='x'-->",
    b"<!--#config errmsg='<oops>'--><!--#oops-->|<!--#config-->|",
    // Conditions.
    b"<!--#if expr='$x'-->a<!--#else-->b<!--#endif-->c",
    b"<!--#set var='x' value='1'--><!--#if expr='$x'-->a<!--#else-->b<!--#endif-->c",
    b"<!--#if expr='$arg_x = 1'-->a<!--#elif expr='$arg_x = 2'-->b<!--#else-->c<!--#endif-->d",
    b"<!--#if expr='$arg_x = 2'-->a<!--#elif expr='$arg_x = 1'-->b<!--#else-->c<!--#endif-->d",
    b"<!--#if expr='$arg_x=1'-->a<!--#endif--><!--#if expr='$arg_x!=1'-->b<!--#endif--><!--#if expr='$arg_x != 2'-->c<!--#endif-->",
    b"<!--#if expr='$arg_x = $arg_x'-->a<!--#endif--><!--#if expr='ABC = abc'-->b<!--#endif--><!--#if expr='abc = ABC'-->c<!--#endif-->",
    b"<!--#if expr=''-->a<!--#endif--><!--#if expr='x'-->b<!--#endif--><!--#if expr='\"\"'-->c<!--#endif--><!--#if expr='='-->d<!--#endif-->",
    b"<!--#if expr='= x'-->a<!--#endif--><!--#if expr='x ='-->b<!--#endif--><!--#if expr='$none ='-->c<!--#endif-->",
    b"<!--#if expr='a ! b'-->a<!--#endif-->|<!--#if expr='a b'-->a<!--#endif-->|<!--#if expr='a.b = a.b'-->b<!--#endif-->",
    b"<!--#if expr='$x{ = a'-->a<!--#endif-->|<!--#if expr='${x = a'-->a<!--#endif-->|<!--#if expr='a = ${x'-->a<!--#endif-->",
    b"<!--#if expr='$uri = /\\/([0-9]+)\\.(html)/'--><!--#echo var='0'-->,<!--#echo var='1'-->,<!--#echo var='2'-->,<!--#echo var='3'--><!--#endif-->",
    b"<!--#if expr='$uri = /(?P<Name>[0-9]+)/'--><!--#echo var='name'--><!--#endif--><!--#echo var='name'-->",
    b"<!--#if expr='$uri = /(h)/'-->a<!--#endif--><!--#if expr='$uri = /(zz)/'-->b<!--#endif--><!--#echo var='1'-->|",
    b"<!--#if expr='$uri = /(x)?(h)/'-->[<!--#echo var='1'-->][<!--#echo var='2'-->]<!--#endif-->",
    b"<!--#if expr='$uri = /(h)(x)?/'-->[<!--#echo var='1'-->][<!--#echo var='2'-->]<!--#set var='1' value='z'-->[<!--#echo var='1'-->]<!--#endif-->",
    b"<!--#if expr='$uri != /HTML/'-->a<!--#endif-->|<!--#if expr='$uri = /(/'-->a<!--#endif-->|<!--#if expr='$uri = /html\\$/'-->b<!--#endif-->",
    b"<!--#if expr='$uri = /html$/'-->a<!--#endif-->|<!--#if expr='$uri = /x'-->a<!--#endif-->|<!--#if expr='$uri = /'-->a<!--#endif-->|<!--#if expr='$uri = //'-->a<!--#endif-->",
    b"<!--#if expr='$uri = \\/34.html'-->a<!--#endif-->|<!--#if expr='$uri = \\/35.html'-->b<!--#endif-->",
    b"<!--#set var='p' value='ht.l'--><!--#if expr='$uri = /$p/'-->a<!--#endif-->|<!--#if expr='x = \"x\"'-->a<!--#endif-->",
    // What is hidden, and what stands in the wrong place.
    b"<!--#if expr='$none'--><!--#set var='x' value='1'--><!--#unknown--><!--#echo-->a<!--#bad \"--><!--#endif--><!--#echo var='x'-->",
    b"<!--#if expr='$none'--><!--#if expr='1'-->a<!--#endif-->b<!--#endif-->c",
    b"<!--#if expr='1'-->a<!--#if expr='1'-->b<!--#endif-->c<!--#endif-->d",
    b"<!--#else-->a<!--#endif-->b<!--#elif expr='1'-->c",
    b"<!--#if expr='1'-->a<!--#else-->b<!--#else-->c<!--#endif-->d",
    b"<!--#if expr='1'-->a<!--#else-->b<!--#elif expr='1'-->c<!--#endif-->d",
    b"<!--#if expr='0 ! 1'-->a<!--#else-->b<!--#endif-->c",
    b"<!--#if-->a<!--#endif-->b",
    b"<!--#if expr='1'-->a<!--#endif x='1'-->b<!--#else-->c",
    b"<!--#if expr='$none'-->a<!--#elif-->b<!--#else-->c<!--#endif-->",
    b"<!--#if expr='1'-->a",
    b"<!--#if expr='$none'-->a",
    // Blocks.
    b"a<!--#block name='b'-->in block<!--#endblock-->c",
    b"a<!--#block name='b'-->in <!--#echo var='uri'--> block",
    b"a<!--#endblock-->b<!--#block-->c<!--#endblock-->d",
    b"<!--#if expr='$none'-->a<!--#block name='b'-->b<!--#endblock-->c<!--#endif-->d",
    b"<!--#block name='b'-->x<!--#if expr='1'-->a<!--#else-->b<!--#endif-->c<!--#endblock-->d",
];

#[test]
fn commands_do_what_they_do_in_nginx() {
    all_same(PAGES);
}

#[test]
fn every_byte_is_encoded_as_by_nginx() {
    let bytes: Vec<u8> = (1..=255).filter(|byte| !b"\\'$".contains(byte)).collect();
    let mut pages = Vec::new();
    let halves =
        bytes.chunks(128).flat_map(|half| ["none", "url", "entity"].map(|name| (half, name)));
    for (bytes, encoding) in halves {
        let mut page = b"<!--#set var='x' value='".to_vec();
        page.extend_from_slice(bytes);
        page.extend_from_slice(b"\\\\\\'\\$'--><!--#echo var='x' encoding='");
        page.extend_from_slice(format!("{encoding}'-->").as_bytes());
        pages.push(page);
    }
    all_same(&pages.iter().map(|page| &page[..]).collect::<Vec<_>>());
}

#[test]
fn the_header_says_what_is_true_of_the_page() {
    let page = b"a<!--#echo var='uri'-->b<!--#unknown-->";
    let (server, twin) = both(&[("page.html", page), ("index.html", page)]);
    for place in ["/", "/quiet/", "/dated/", "/off/", "/plain/", "/typed/"] {
        same(&server, &twin, &format!("{place}page.html"));
        same(&server, &twin, &format!("{place}missing.html"));
        let stamp =
            ask(server.port(), "/off/page.html", "").header("Last-Modified").map(str::to_owned);
        let stamp = stamp.expect("it has one");
        let fields = [
            "Range: bytes=0-1\r\n".to_owned(),
            "If-None-Match: *\r\n".to_owned(),
            format!("If-Modified-Since: {stamp}\r\n"),
        ];
        for fields in fields {
            let path = format!("{place}page.html");
            let (ours, theirs) =
                (ask(server.port(), &path, &fields), ask(twin.port(), &path, &fields));
            assert_eq!(facts(&ours), facts(&theirs), "{path} {fields}");
        }
    }
    let head = "HEAD /page.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let ours = support::answers(&support::raw(server.port(), head.as_bytes()), &["HEAD"]);
    let theirs = support::answers(&support::raw(twin.port(), head.as_bytes()), &["HEAD"]);
    assert_eq!(facts(&ours[0]), facts(&theirs[0]));
}

#[test]
fn dates_are_the_servers_unless_a_page_says_otherwise() {
    let page =
        b"<!--#echo var='date_gmt'-->|<!--#config timefmt='%s'--><!--#echo var='date_local'-->";
    let (server, _twin) = both(&[("page.html", page)]);
    let body = ask(server.port(), "/page.html", "").text();
    let (long, seconds) = body.split_once('|').expect("both");
    assert!(long.ends_with(" GMT") && long.contains(", "), "{long}");
    assert!(seconds.parse::<u64>().expect("a number") > 1_700_000_000);
}
