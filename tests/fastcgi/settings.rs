//! What directives say: parameters, names of scripts, places, and what is refused.

use support::{Start, http, start};

use crate::application::Application;

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

/// An application that tells what it was given, in order.
fn tells() -> Application {
    Application::start(|asked| {
        let lines = asked.params.iter().map(|(name, value)| format!("{name}={value}\n"));
        let told: String = lines.collect();
        asked.answer(&format!("Content-Type: text/plain\r\n\r\n{told}"))
    })
}

fn conf(application: &Application, body: &str) -> String {
    let body = body.replace("APP", &format!("127.0.0.1:{}", application.port));
    http(&format!("server {{ listen 127.0.0.1:{{port}}; server_name localhost; {body} }}"))
}

#[test]
fn parameters() {
    let application = tells();
    let server = start!(conf(
        &application,
        "fastcgi_param OUTER 1; fastcgi_param EMPTY ''; fastcgi_param NONE $arg_none if_not_empty; fastcgi_pass_request_headers off;
        location / { fastcgi_pass APP; }
        location /own { fastcgi_pass APP; fastcgi_param INNER $uri; fastcgi_param TWICE a; fastcgi_param TWICE b; }
        location /fields { fastcgi_pass APP; fastcgi_pass_request_headers on; fastcgi_param HTTP_X_SET own; fastcgi_param HTTP_X_EMPTY $arg_e if_not_empty; }"
    ));
    assert_eq!(server.get("/").text(), "OUTER=1\nEMPTY=\n");
    assert_eq!(server.get("/?none=x").text(), "OUTER=1\nEMPTY=\nNONE=x\n");
    assert_eq!(server.get("/own").text(), "INNER=/own\nTWICE=a\nTWICE=b\n");
    let ask = |request: &str| {
        let mut wire = server.wire();
        wire.send(request);
        wire.answer().text()
    };
    let told = ask(
        "GET /fields HTTP/1.1\r\nHost: Some.Host:81\r\nX-Set: client\r\nX-Empty: client\r\nAccept: a\r\nProxy: evil\r\n\
         Cookie: a=b\r\nX-Two: 1\r\nCookie: c=d\r\nX-Two: 2\r\nX_Odd: y\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(
        told,
        "HTTP_X_SET=own\nHTTP_HOST=some.host:81\nHTTP_ACCEPT=a\nHTTP_COOKIE=a=b; c=d\nHTTP_X_TWO=1, 2\nHTTP_CONNECTION=close\n"
    );
    // The URI says who is asked for.
    let told = ask("GET http://real/fields HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n");
    assert!(told.contains("HTTP_HOST=real\n"), "{told}");
    assert_eq!(*application.faults.lock().expect("no panic"), Vec::<String>::new());
}

#[test]
fn more_parameters_than_a_record_holds() {
    let application = tells();
    let server = start!(format!(
        "{}",
        conf(&application, "large_client_header_buffers 4 64k; location / { fastcgi_pass APP; }")
    ));
    let field = |len: usize| format!("X-Long: {}", "x".repeat(len));
    assert_eq!(server.curl(&["-H", &field(30_000), "-H", &field(20_000)], "/").status, 200);
    let answer = server.curl(&["-H", &field(40_000), "-H", &field(40_000)], "/");
    assert_eq!(answer.status, 500);
    assert!(server.error_log().contains("the request's variables are more than 65535 bytes"));
}

#[test]
fn names_of_scripts() {
    let application = tells();
    let server = start!(conf(
        &application,
        "fastcgi_pass_request_headers off; fastcgi_param N $fastcgi_script_name; fastcgi_param I $fastcgi_path_info;
        location / { fastcgi_pass APP; }
        location /index/ { fastcgi_pass APP; fastcgi_index i.php; }
        location /split/ { fastcgi_pass APP; fastcgi_index i.php; fastcgi_split_path_info ^(.+?\\.php|/split/)(.*)$; }
        location /none { fastcgi_split_path_info ^(/none)(.*)$; return 200 '$fastcgi_script_name $fastcgi_path_info'; }"
    ));
    for (path, name, info) in [
        ("/a/b.php?c", "/a/b.php", ""),
        ("/a/", "/a/", ""),
        ("/index/", "/index/i.php", ""),
        ("/index/x", "/index/x", ""),
        ("/split/a.php/b/c.php", "/split/a.php", "/b/c.php"),
        ("/split/a.php", "/split/a.php", ""),
        ("/split/a.php/b%2Fc%20d", "/split/a.php", "/b/c d"),
        ("/split/rest", "/split/i.php", "rest"),
    ] {
        assert_eq!(server.get(path).text(), format!("N={name}\nI={info}\n"), "{path}");
    }
    assert_eq!(server.get("/none/x").text(), "/none /x");
}

#[test]
fn places() {
    let application = tells();
    let port = application.port;
    let server = start!(http(&format!(
        "upstream Named {{ server 127.0.0.1:{port}; }}
        server {{ listen 127.0.0.1:{{port}}; fastcgi_param A b; fastcgi_pass_request_headers off;
          location /named {{ fastcgi_pass named; }}
          location /branch {{ if ($arg_yes) {{ fastcgi_pass named; }} }}
          location /inside {{ fastcgi_pass named; if ($arg_yes) {{ set $x 1; }} limit_except GET {{ allow all; }} }}
          location /variable {{ set $to named; fastcgi_pass $to; }}
          location /client {{ fastcgi_pass $arg_to; }} }}"
    )));
    for path in
        ["/named", "/branch?yes=1", "/inside", "/inside?yes=1", "/variable", "/client?to=NAMED"]
    {
        assert_eq!(server.get(path).text(), "A=b\n", "{path}");
    }
    assert_eq!(server.curl(&["-d", "x"], "/inside").text(), "A=b\n");
    for (to, status, words) in [
        ("other:9000", 502, "no resolver defined to resolve other"),
        ("127.0.0.1:80", 502, "no resolver defined to resolve 127.0.0.1"),
        ("other", 500, "no port in upstream \"other\""),
        ("unix:/tmp/x", 500, "variables may not lead to \"unix:/tmp/x\""),
        ("", 500, "no host in upstream \"\""),
        ("named:x", 500, "invalid port in upstream"),
    ] {
        assert_eq!(server.get(&format!("/client?to={to}")).status, status, "{to}");
        assert!(server.error_log().contains(words), "{to}: {}", server.error_log());
    }
}

#[test]
fn mistakes() {
    for (body, words) in [
        ("fastcgi_pass 127.0.0.1;", "no port in upstream \"127.0.0.1\""),
        ("fastcgi_pass unix:;", "no path in the unix domain socket"),
        ("fastcgi_pass a:b;", "invalid port in upstream \"a:b\""),
        (
            "fastcgi_pass no-such-host.invalid:1;",
            "host not found in upstream \"no-such-host.invalid\"",
        ),
        (
            "fastcgi_pass 127.0.0.1:1; fastcgi_pass 127.0.0.1:2;",
            "\"fastcgi_pass\" directive is duplicate",
        ),
        ("fastcgi_split_path_info ^(.+)$;", "pattern \"^(.+)$\" must have 2 captures"),
        ("fastcgi_split_path_info ^(.+)(.+)(.+)$;", "must have 2 captures"),
        ("fastcgi_split_path_info (;", "parenthes"),
        ("fastcgi_param A b c;", "invalid parameter \"c\""),
        ("fastcgi_next_upstream http_502;", "invalid value \"http_502\""),
        ("fastcgi_next_upstream never;", "invalid value \"never\""),
        ("fastcgi_pass 127.0.0.1:1; fastcgi_buffers 1 4k;", "there must be at least 2 buffers"),
        (
            "fastcgi_pass 127.0.0.1:1; fastcgi_busy_buffers_size 1k;",
            "\"fastcgi_busy_buffers_size\" must be equal to or greater",
        ),
        (
            "limit_except GET { fastcgi_pass 127.0.0.1:1; }",
            "\"fastcgi_pass\" directive is not allowed here",
        ),
        (
            "fastcgi_pass 127.0.0.1:1; fastcgi_cache x;",
            "no \"fastcgi_cache_key\" for \"fastcgi_cache\"",
        ),
        ("fastcgi_store on;", "rserve does not do this with upstreams yet"),
    ] {
        let conf =
            http(&format!("server {{ listen 127.0.0.1:{{port}}; location / {{ {body} }} }}"));
        let (_, said) = Start::new(BINARY).conf(&conf).fail();
        assert!(said.contains(words), "{body}: {said}");
    }
}

/// The files that come with the server are found beside the configuration.
#[test]
fn the_lists_of_parameters() {
    let application = tells();
    let conf = conf(
        &application,
        "location / { include fastcgi_params; fastcgi_pass APP; } location /file { include fastcgi.conf; fastcgi_pass APP; }
        location /quiet { include fastcgi_params; fastcgi_pass_request_body off; fastcgi_pass APP; }",
    );
    let list = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conf").join(name);
        std::fs::read(path).expect("a list")
    };
    let start: Start = Start::new(BINARY).conf(&conf);
    let server = ["fastcgi_params", "fastcgi.conf"]
        .iter()
        .fold(start, |start, name| start.file(name, list(name)))
        .start();
    let told = server.curl(&["-d", "a body"], "/x?y").text();
    for line in [
        "QUERY_STRING=y",
        "REQUEST_METHOD=POST",
        "CONTENT_TYPE=application/x-www-form-urlencoded",
        "CONTENT_LENGTH=6",
        "SCRIPT_NAME=/x",
        "REQUEST_URI=/x?y",
        "SERVER_PROTOCOL=HTTP/1.1",
        "SERVER_NAME=localhost",
        "REMOTE_ADDR=127.0.0.1",
        "REDIRECT_STATUS=200",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    assert!(!told.contains("SCRIPT_FILENAME") && !told.contains("HTTPS"), "{told}");
    let file = format!("SCRIPT_FILENAME={}/file\n", server.path("html").display());
    assert!(server.get("/file").text().contains(&file), "{}", server.get("/file").text());
    let quiet = server.curl(&["-d", "a body"], "/quiet");
    assert!(quiet.text().contains("CONTENT_LENGTH=0\n"), "{}", quiet.text());
    // A body in chunks has its length once it was read.
    let chunked = server.curl(&["-H", "Transfer-Encoding: chunked", "-d", "in a chunk"], "/");
    assert!(chunked.text().contains("CONTENT_LENGTH=10\n"), "{}", chunked.text());
}
