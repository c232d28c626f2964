//! What nginx and rserve answer, put beside each other; and where they differ on purpose.

use crate::{Answer, Dir};

/// Names of cases (`*` stands for any text, `?` for any character), and why they differ.
pub const DELIBERATE: &[(&str, &str)] = &[
    ("line * cut", "a line is judged when it is complete; nginx answers bad beginnings at once"),
    ("* of host \"localhost:x\"", PORTS),
    ("* of host \"localhost:99999\"", PORTS),
    ("* of host \"localhost:80:80\"", PORTS),
    ("* of host \"[::1\"", PORTS),
    ("* of host \"[::1]x\"", PORTS),
    ("* of host \".example.com\"", "an empty label is no name that a wildcard could stand for"),
    ("body *Expect: 100-continue*", EXPECT),
    ("body *Expect: 100-Continue*", EXPECT),
    ("GET /exact If-*", NOTHING_TO_COMPARE),
    ("fields of ?????", "more than 1000 fields are refused (max_headers of nginx 1.29.8)"),
    (
        "*X-Test: a\\r\\nX-Test: b*",
        "a variable has the values of all fields of its name (nginx 1.23)",
    ),
    ("* of host \"user@localhost\"", HOSTS),
    ("* of host \"ä\"", HOSTS),
    ("bad chunks * \"3\\nabc\\n0\\n\\n\"", BARE),
    ("bad chunks * \"3\\r\\nab\\r\\n0\\r\\n\\r\\n\"", BARE),
    ("body *small/file.txt *Transfer-Encoding: chunked*0123456789a*", LIMIT),
    ("*: ??? ranges of 1*", "parts may not make the answer longer than the file (nginx 1.31)"),
    ("* field \"Proxy-Authorization: x*", "must not be repeated (nginx 1.31)"),
    (
        "* \"If-Match: x\\r\\n\", then another",
        "nginx closes behind a 412 that it said it would keep",
    ),
    ("GET /page-416/file.txt Range: *", "nginx sends two ETags: the file's and the page's"),
    ("GET /added/file.txt Range: *", "nginx adds the headers of a 416 twice"),
    ("search: taken by rserve alone: *time*y;*", YEARS),
    ("search: taken by rserve alone: *time*M;*", YEARS),
    ("search: taken by rserve alone: *accept_mutex_delay *", YEARS),
    (
        "search: taken by nginx alone: *access_log *$*",
        "access_log writes to a file with a fixed name",
    ),
    (
        "search: taken by rserve alone: *access_log *flush=*",
        "lines are buffered without being told",
    ),
    ("search: taken by rserve alone: *access_log *buffer=*", "a format need not be named"),
    (
        "search: taken by rserve alone: *large_client_header_buffers *",
        "there is no connection_pool_size, which a line must not be shorter than",
    ),
    ("search: taken by rserve alone: *access_log *", "-t does not open the logs of requests"),
    ("search: taken by rserve alone: *1g*", GIGA),
    ("search: taken by rserve alone: *1G*", GIGA),
    ("search: taken by rserve alone: *timer_resolution *", NO_EFFECT),
    ("search: taken by rserve alone: *thread_pool *", NO_EFFECT),
    ("search: taken by rserve alone: *user *nobody*", "without a group it is the user's own"),
    ("search: taken by nginx alone: *allow *.*", LOOSE),
    ("search: taken by nginx alone: *deny *.*", LOOSE),
    ("search: taken by nginx alone: *worker_priority *", "a nice value is between -20 and 20"),
    ("search: taken by nginx alone: *worker_processes 0*", NO_WORKERS),
    ("search: taken by nginx alone: *worker_processes \"0\"*", NO_WORKERS),
    ("search: taken by rserve alone: *aio *on*", "served as aio threads, with a warning"),
    ("search rtmp: *\"pause\"*", "nginx-rtmp cuts off who pauses what does not play"),
    (
        "search rtmp: *\"nonsense\"*",
        "an unknown call is answered with _error, as the specification says",
    ),
    // What the search finds, once it is small: what was sent, traits of it, and both statuses.
    ("search: *(odd host) *rserve 400*", HOSTS),
    ("search: *(odd port) *rserve 400*", PORTS),
    ("search: *Expect:*nginx *100*rserve *", EXPECT),
    ("search: *(bare LF in chunks)*rserve *", BARE),
    ("search: *(chunks)*rserve 400*", CHUNKS),
    ("search: *(chunks)*nginx ??? rserve ??? -Connection +Connection in*", CHUNKS),
    (
        "search: *(field twice)*in *$http_*",
        "a variable has the values of all fields of its name (nginx 1.23)",
    ),
    (
        "search: *$request_length*",
        "the length has the body that is thrown away, as far as it was read",
    ),
    (
        "search: *nginx 400* rserve  in *",
        "a head is judged when it is complete; nginx judges each line",
    ),
    (
        "search: *If-*nginx *412 rserve *412,*",
        "nginx closes behind a 412 that it said it would keep",
    ),
    ("search: *If-*nginx *412* rserve *2??*", NOTHING_TO_COMPARE),
    (
        "search: *nginx 400 rserve 400 *in *always;*",
        "of a head that cannot be read not even the first line is known",
    ),
    (
        "search: *nginx 404 rserve ??? *disable_symlinks*",
        "403 for a link on the way to an index; Linux tells nginx that it is no directory",
    ),
    (
        "search: *nginx 400 rserve 0 -Connection*",
        "to a line without a version the answer has no head, also if nginx gives up before it looks",
    ),
    (
        "search: * .example.com*",
        "if the exact name is taken, .example.com still stands for the others; nginx drops it, with a warning",
    ),
    ("search: *nginx 505 rserve  in*", "a line is judged when it is complete"),
    ("search: *ontent-Length:*-Connection +Connection in *client_max_body_size *return *", LIMIT),
    (
        "search: *$request_filename*root html/$arg_a*",
        "a root that ends with a slash has none, also if that comes from a variable",
    ),
    ("search: \"TRACE *nginx 413*", "the body of a TRACE is not looked at"),
    ("search: *(chunks)*$content_length*", "chunks have no length, also when they have been read"),
    ("search: *MSIE*nginx 400 rserve 400 *", "the page of a bad line is padded, too"),
    (
        "search: *MSIE 6*-Connection +Connection*",
        "nobody needs keepalive_disable for MSIE 6 any more",
    ),
    ("search: \"CONNECT *nginx 400 rserve 405*", "the target of a CONNECT is no path"),
    (
        "search: taken by rserve alone: *server_tokens *",
        "a text of one's own, as in nginx's commercial version",
    ),
    ("search: \"CONNECT *://*nginx 405 rserve 400*", "... and no URL either"),
    ("search: \"CONNECT *(chunks)*", CHUNKS),
    ("search: \"CONNECT *nginx 505 rserve 400*", "... and a line is judged when it is complete"),
    ("search: *-Transfer-Encoding +Content-Length in *autoindex on*", LIST),
    ("search: *nginx 200 rserve 200 +Content-Length in *autoindex on*", LIST),
    (
        "search: *X-Long: *nginx 400 rserve 400 -Content-Length +Content-Length in *",
        "a head that is too long is judged as a whole; nginx has judged its first line before",
    ),
    ("search: *nginx ??? rserve 403 *disable_symlinks*", "403 for a link on the way to an index"),
    (
        "search: *\"GET /*\\r\\n\" nginx 0 rserve  in *return 204 *",
        "a 204 has no body, also where there is no head",
    ),
    (
        "search: *nginx  rserve ??? *disable_symlinks*=200;*",
        "... and a link that is refused is refused at once",
    ),
    (
        "search: *nginx 505 rserve 505 *always*",
        "the line is known also if its version is not served",
    ),
    (
        "search: *Range:*nginx * rserve * -*in *error_page 416*",
        "what is said of a range stays in nginx when the page for it is a redirect",
    ),
    (
        "search: *HTTP/1.? *nginx ??? rserve ??? *$server_protocol*",
        "a blank behind the version is no part of it",
    ),
    ("search: *nginx *416* rserve *416* in *add_header*", "nginx adds the headers of a 416 twice"),
    ("search: *nginx *416* rserve *416* -*", "nginx adds the headers of a 416 twice"),
    (
        "search: *nginx * rserve * -Connection +Connection in *keepalive_*",
        "the last location says whether to keep the connection; in nginx each on the way that is not internal",
    ),
    (
        "search: *nginx 3?? rserve 3?? -Location +Location in *server_name_in_redirect on*",
        "a server without a name, of which nginx makes http:///, has that of the request",
    ),
    (
        "search: *nginx *rserve 2??*=200;*",
        "nginx answers nothing to try_files … =200, and waits; the status is a status here",
    ),
    (
        "search: *nginx 3?? rserve 3?? -Location in*",
        "an empty Location would lead back to the same page: none is sent",
    ),
];
const YEARS: &str = "nginx has no years and months in times that it keeps in milliseconds";
const GIGA: &str = "nginx knows g in some sizes only";
const NO_WORKERS: &str = "without workers nobody would be served";
const LIST: &str = "the length of a list is known";
const NO_EFFECT: &str = "what has no effect is taken with a warning, whatever its value is";
const LOOSE: &str = "nginx takes an empty number between dots for 0";
const NOTHING_TO_COMPARE: &str =
    "RFC 9110, 13.1: without a date or a tag there is nothing to compare with";
const CHUNKS: &str = "a body that is seen to be malformed is 400, whatever else the answer would \
     have been (RFC 9112, 7.1); nginx has often answered before it looks";
const PORTS: &str = "a port is a number up to 65535, an IPv6 address ends with ] (nginx 1.31)";
const HOSTS: &str =
    "what would mean something of its own in a URL is no part of a name (nginx 1.31)";
const BARE: &str = "a bare LF ends no line between chunks (nginx 1.31)";
const EXPECT: &str = "a body that nobody reads is not asked for: the answer closes the connection";
const LIMIT: &str = "of a body that is thrown away no more than client_max_body_size is read";

/// Whether a case of this name stands in the table.
pub fn is_deliberate(name: &str) -> bool {
    DELIBERATE.iter().any(|(pattern, _)| matches(pattern, name))
}

/// Whether a name is one of those that `pattern` stands for.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut to) = (0, 0);
    // Behind the last `*`, and how much of the name it stands for.
    let mut star = None;
    while to < name.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, to));
            }
            Some(&wanted) if wanted == '?' || wanted == name[to] => (at, to) = (at + 1, to + 1),
            _ => match &mut star {
                Some((behind, upto)) => {
                    *upto += 1;
                    (at, to) = (*behind, *upto);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

/// Takes away what cannot be the same: the port, the directory, the name, the date.
pub fn normalize(mut answer: Answer, port: u16, dir: &Dir) -> Answer {
    let dir = dir.path("").display().to_string();
    // RFC 9110 wants it on a 405, nginx does not send it.
    answer.headers.retain(|(name, _)| name != "Allow");
    // Where it stands depends in nginx on whether it has a host.
    answer.headers.sort_by_key(|(name, _)| name == "Location");
    let boundary = answer.header("Content-Type").and_then(|value| value.split_once("boundary="));
    let boundary = boundary.map(|(_, boundary)| boundary.to_owned());
    let clean = |text: &str| {
        let mut text = text.replace(&format!(":{port}"), ":PORT").replace(&dir, "DIR");
        for name in ["nginx/1.22.1", concat!("rserve/", env!("CARGO_PKG_VERSION"))] {
            text = text.replace(name, "SERVER");
        }
        match &boundary {
            Some(boundary) => text.replace(boundary.as_str(), "BOUNDARY"),
            None => text,
        }
    };
    let signed = answer.body.len();
    answer.body = match std::str::from_utf8(&answer.body) {
        Ok(text) => clean(text).into_bytes(),
        Err(_) => answer.body,
    };
    let shorter = signed - answer.body.len();
    for (name, value) in &mut answer.headers {
        *value = match (name.as_str(), value.parse::<usize>()) {
            ("Date", _) => "DATE".to_owned(),
            ("Content-Length", Ok(length)) if answer.complete && length >= signed && signed > 0 => {
                (length - shorter).to_string()
            }
            _ => clean(value),
        };
    }
    answer
}

/// Both, one answer a line.
pub fn difference(theirs: &[Answer], ours: &[Answer]) -> String {
    let shown = |answers: &[Answer]| {
        let one = |answer: &Answer| {
            let fields: Vec<_> = answer.headers.iter().map(|(n, v)| format!("{n}: {v}")).collect();
            let body: String = answer.text().chars().take(300).collect();
            let Answer { status, reason, .. } = answer;
            format!("{status} {reason} [{}] {body:?}", fields.join(" | "))
        };
        let all: Vec<_> = answers.iter().map(one).collect();
        all.join("\n       ")
    };
    format!("nginx  {}\nrserve {}", shown(theirs), shown(ours))
}
