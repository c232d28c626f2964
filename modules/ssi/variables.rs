//! `$date_local`, `$date_gmt`: as a page has them, or as every other request.

use std::ffi::CString;

use http::{Request, Variable};

/// The format that `config timefmt` has set in this page.
pub struct TimeFormat(pub CString);

impl Default for TimeFormat {
    fn default() -> TimeFormat {
        TimeFormat(c"%A, %d-%b-%Y %H:%M:%S %Z".to_owned())
    }
}

/// The variables.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "date_local",
        get: |request, _, out| date(request, false, out),
        help: "the time in the server's time zone, in the format of the page's config timefmt",
    },
    Variable {
        name: "date_gmt",
        get: |request, _, out| date(request, true, out),
        help: "the time in Greenwich, in the format of the page's config timefmt",
    },
];

fn date(request: &Request, greenwich: bool, out: &mut Vec<u8>) -> bool {
    let usual;
    let format = match request.known_context::<TimeFormat>() {
        Some(TimeFormat(format)) => format,
        None => {
            usual = TimeFormat::default().0;
            &usual
        }
    };
    let now = rt::wall().as_secs();
    let text = sys::clock::strftime(format, now, greenwich);
    out.extend_from_slice(text.as_deref().unwrap_or_default());
    text.is_some()
}
