//! What is asked of servers behind this one.

use conf::Node;

use crate::check::{Check, Report};
use crate::location::Location;
use crate::pattern;
use crate::place::{Place, all, arg};
use crate::text::{host_and_path, variables};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "proxy_pass_traversal",
        why: "a location without a slash at its end, over a `proxy_pass` with one: `/api../x` is asked as `/v1/../x`, and \
              `/api/x` as `/v1//x`",
        remedy: "end the location with a slash, or leave out that of `proxy_pass`",
        wrong: "location /api { proxy_pass http://127.0.0.1:81/v1/; }",
        right: "location /api/ { proxy_pass http://127.0.0.1:81/v1/; }\nlocation /app { proxy_pass http://127.0.0.1:81; }",
        look: proxy_pass_traversal,
    },
    Check {
        name: "proxy_pass_to_anywhere",
        why: "the client chooses the server that is asked: those inside of the network, too",
        remedy: "take the server from a `map` of those that are meant, or make the location `internal`",
        wrong: "location /fetch { proxy_pass http://$arg_host; }",
        right: "location ~ ^/(red|blue)/ { proxy_pass http://$1.internal; }\nlocation /r { internal; proxy_pass http://$arg_host; }",
        look: proxy_pass_to_anywhere,
    },
    Check {
        name: "host_of_the_client",
        why: "`$http_host` is what the client says, whatever server was chosen: what is behind may build links with it",
        remedy: "send `$host`, or the name of the site",
        wrong: "location / { proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:81; }",
        right: "location / { proxy_set_header Host $host; proxy_pass http://127.0.0.1:81; }",
        look: host_of_the_client,
    },
];

const PASSES: &[&str] = &["proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass"];

fn proxy_pass_traversal(place: &Place<'_>, report: &mut Report) {
    let Some(prefix) = place.parent().and_then(Location::open_prefix) else { return };
    if let [url] = &place.node.args[..]
        && place.is("proxy_pass")
        // With variables, it is asked as it stands.
        && !url.text.contains('$')
        && host_and_path(&url.text).1.ends_with('/')
    {
        let path = host_and_path(&url.text).1;
        report.at(url, format!("\"{prefix}../x\" is asked as \"{path}../x\""));
    }
}

fn proxy_pass_to_anywhere(place: &Place<'_>, report: &mut Report) {
    let [url] = &place.node.args[..] else { return };
    if !PASSES.iter().any(|name| place.is(name)) || place.is_under(&["internal"]) {
        return;
    }
    let host = host_and_path(&url.text).0;
    if let Some(name) = variables(host).find(|name| is_chosen(place, name, true)) {
        report.at(url, format!("\"${name}\" is the client's choice"));
    }
}

/// Whether a client can write anything into a variable; `set` is looked through once.
fn is_chosen(place: &Place<'_>, name: &str, through: bool) -> bool {
    if ["arg_", "http_", "cookie_"].iter().any(|head| name.starts_with(head))
        || ["args", "query_string", "uri", "document_uri", "request_uri"].contains(&name)
    {
        return true;
    }
    if captured(place).any(|capture| capture == name) {
        return true;
    }
    let sets = place.around().flat_map(|block| all(block, "set"));
    let mut values = sets.filter(|set| arg(set, 0).strip_prefix('$') == Some(name));
    let chosen = |set: &Node| variables(arg(set, 1)).any(|name| is_chosen(place, name, false));
    through && values.any(chosen)
}

/// The captures of the location's expression that take anything.
fn captured<'t>(place: &Place<'t>) -> impl Iterator<Item = String> + use<'t> {
    let regex = place.nearest("location").and_then(Location::regex).unwrap_or("");
    pattern::groups(regex).into_iter().enumerate().flat_map(|(at, group)| {
        let plain = group.replace("\\.", "");
        let any = plain.contains(".*") || plain.contains(".+") || plain.contains("[^");
        let names = [Some((at + 1).to_string()), pattern::name(group).map(str::to_owned)];
        names.into_iter().flatten().filter(move |_| any)
    })
}

fn host_of_the_client(place: &Place<'_>, report: &mut Report) {
    if let [header, value] = &place.node.args[..]
        && place.is("proxy_set_header")
        && header.text.eq_ignore_ascii_case("host")
        && variables(&value.text).any(|name| name == "http_host" || name.starts_with("arg_"))
    {
        report.at(value, "the client chooses this name");
    }
}
