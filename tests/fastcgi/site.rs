//! A site of PHP as they are met: pages without a file lead to one script, others are files.

use support::{Answer, Server, Twin, http, start};

use crate::php::Php;

/// What a test finds in the directory of the files.
const SCRIPTS: &[(&str, &str)] = &[
    (
        "index.php",
        "<?php header('Content-Type: text/plain'); header('X-Powered-By: test'); setcookie('a', 'b'); setcookie('c', 'd');
         echo \"front \", $_SERVER['REQUEST_URI'], ' ', $_SERVER['QUERY_STRING'], ' ', json_encode($_GET), ' ', $_SERVER['PATH_INFO'] ?? '-';",
    ),
    (
        "server.php",
        "<?php header('Content-Type: text/plain'); ksort($_SERVER); foreach ($_SERVER as $name => $value) {
         if (!in_array($name, ['argv', 'argc', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'REMOTE_PORT', 'SERVER_SOFTWARE'])) {
         echo $name, '=', json_encode($value), \"\\n\"; } }",
    ),
    (
        "body.php",
        "<?php header('Content-Type: text/plain'); $all = file_get_contents('php://input'); echo strlen($all), ' ', md5($all), ' ',
         $_SERVER['CONTENT_LENGTH'], ' ', $_SERVER['CONTENT_TYPE'] ?? '', ' ', json_encode($_POST);",
    ),
    (
        "upload.php",
        "<?php header('Content-Type: text/plain'); foreach ($_FILES as $name => $file) {
         echo $name, ' ', $file['name'], ' ', $file['size'], ' ', md5_file($file['tmp_name']), ' ', $file['error'], \"\\n\"; } echo json_encode($_POST);",
    ),
    ("status.php", "<?php http_response_code((int) $_GET['code']); header('X-Code: ' . $_GET['code']); echo 'told';"),
    ("reason.php", "<?php header('Status: 404 Nothing Here'); echo 'none';"),
    ("to.php", "<?php header('Location: ' . $_GET['to']); echo 'moved';"),
    ("elsewhere.php", "<?php header('X-Accel-Redirect: ' . $_GET['to']); setcookie('kept', '1'); header('X-Gone: 1');"),
    ("empty.php", "<?php"),
    ("long.php", "<?php header('Content-Type: text/plain'); for ($i = 0; $i < 20000; $i++) { echo str_pad((string) $i, 99, '.'), \"\\n\"; }"),
    ("large.php", "<?php for ($i = 0; $i < 1024; $i++) { echo str_repeat('x', 16384); }"),
    ("told.php", "<?php $all = str_repeat('x', 100000); header('Content-Length: ' . strlen($all)); echo $all;"),
    ("hint.php", "<?php header('Link: </a.css>; rel=preload', false); header('Link: </b.css>; rel=preload', false); header('Date: x'); header('Server: own'); header('X-Accel-Expires: 5'); header('ETag: \"x\"'); header('Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT'); echo 'y';"),
    ("fields.php", "<?php header('X-Long: ' . str_repeat('x', (int) $_GET['size'])); echo 'fits';"),
    ("finish.php", "<?php echo 'at once'; fastcgi_finish_request(); file_put_contents(__DIR__ . '/finished', 'later'); echo 'nobody hears';"),
    ("stderr.php", "<?php error_log('a word for the log'); header('X-Said: 1'); echo 'said';"),
    ("late.php", "<?php echo str_repeat('a', 100000); flush(); error_log('a late word'); echo str_repeat('b', 100000);"),
    ("die.php", "<?php header('X-Begun: 1'); echo str_repeat('x', 200000); flush(); posix_kill(getmypid(), 9);"),
    ("die_at_once.php", "<?php posix_kill(getmypid(), 9);"),
    ("dir/index.php", "<?php echo 'of a directory ', $_SERVER['SCRIPT_NAME'];"),
    ("page.shtml", "<!--#include virtual=\"/server.php?of=a+page\" -->|<!--#include virtual=\"/dir/\" -->"),
    ("guard.php", "<?php http_response_code($_SERVER['HTTP_X_KEY'] ?? '' ? 204 : 403); header('X-User: me'); echo $_SERVER['CONTENT_LENGTH'];"),
    ("plain.txt", "a file"),
    ("secret.txt", "for insiders"),
];

/// The location of scripts as Debian's snippet has it, and of all else as WordPress wants it.
const SITE: &str = "index index.php; client_max_body_size 64m; root {dir}/html;
    location / { try_files $uri $uri/ /index.php?$args; }
    location /inside/ { internal; alias {dir}/html/; }
    location @named { return 200 named; }
    location /guarded/ { auth_request /guard.php; auth_request_set $user $upstream_http_x_user; try_files /none /body.php; add_header X-User $user; }
    location /missing/ { error_page 404 /server.php?lost; }
    location /kept/ { error_page 405 =200 /body.php; return 405; }
    location ~ \\.shtml$ { ssi on; }
    location ~ \\.php$ { try_files $uri =404; include CONF/fastcgi.conf; fastcgi_index index.php; fastcgi_pass PHP; SETTINGS }
    location ~ ^/(.+\\.php)/ { fastcgi_split_path_info ^(.+?\\.php)(/.*)$; try_files $fastcgi_script_name =404;
        set $path_info $fastcgi_path_info; fastcgi_param PATH_INFO $path_info; fastcgi_index index.php;
        include CONF/fastcgi.conf; fastcgi_pass PHP; SETTINGS }";

/// The site, here and with nginx, before the same processes.
pub struct Site {
    pub php: Php,
    pub ours: Server,
    pub theirs: Twin,
}

impl Site {
    /// `settings`: of the locations that lead to PHP.
    pub fn start(settings: &str) -> Site {
        Site::with(Php::start(4), settings)
    }

    /// Before this php-fpm.
    pub fn with(php: Php, settings: &str) -> Site {
        let body = SITE.replace("SETTINGS", settings).replace("PHP", &php.address());
        let body = body.replace("CONF", concat!(env!("CARGO_MANIFEST_DIR"), "/conf"));
        let conf =
            http(&format!("server {{ listen 127.0.0.1:{{port}}; server_name localhost; {body} }}"));
        let ours = start!(&conf);
        for (name, text) in SCRIPTS {
            ours.file(&format!("html/{name}"), text);
        }
        let theirs = Twin::start(&conf, &ours);
        Site { php, ours, theirs }
    }

    /// What comes back of a request: the same from both.
    pub fn compare(&self, args: &[&str], path: &str) -> Answer {
        let theirs = support::curl(&[args, &[&self.theirs.url(path)]].concat());
        let ours = self.ours.curl(args, path);
        let (here, there) = (self.ours.path(""), self.theirs.dir().path(""));
        let told = |answer: &Answer, port: u16, dir: &std::path::Path| {
            let own =
                ["Date", "Server", "Transfer-Encoding", "Content-Length", "Connection", "Allow"];
            let fields = answer.headers.iter().filter(|(name, _)| !own.contains(&&name[..]));
            let mut fields: Vec<String> =
                fields.map(|(name, value)| format!("{name}: {value}")).collect();
            fields.sort();
            let all = format!("{} {fields:?}\n{}", answer.status, answer.text());
            if all.len() > 10_000 {
                // There may be the number of a port in it by chance.
                return all;
            }
            // The page of an error.
            let all = all.replace("rserve/0.1.0", "nginx/1.22.1");
            // As JSON writes them.
            let dir = dir.display().to_string();
            let all = all.replace(&dir.replace('/', "\\/"), "DIR").replace(&dir, "DIR");
            all.replace(&port.to_string(), "PORT")
        };
        let theirs = told(&theirs, self.theirs.port(), &there);
        let told_ours = told(&ours, self.ours.port(), &here);
        assert_eq!(told_ours, theirs, "{args:?} {path}\n(ours is the first)");
        ours
    }
}
