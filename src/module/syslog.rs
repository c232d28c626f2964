//! A server of syslog as it is written: `syslog:server=ADDRESS[,facility=…][,severity=…][,tag=…][,nohostname]`.

use std::net::ToSocketAddrs;
use std::path::PathBuf;

use sys::log::{LEVELS, Level};
use sys::syslog::{Address, FACILITIES, Settings};

/// What stands behind `syslog:`. The error is nginx's.
pub fn parse(text: &str) -> Result<Settings, String> {
    let (mut address, mut facility, mut severity, mut tag) = (None, None, None, None);
    let mut hostname = true;
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("server", server)) => once(&mut address, "server", server_address(server)?)?,
            Some(("facility", name)) => {
                let known = FACILITIES.iter().position(|known| known.eq_ignore_ascii_case(name));
                let number = known.ok_or_else(|| format!("unknown syslog facility \"{name}\""))?;
                once(&mut facility, "facility", number as u8)?;
            }
            Some(("severity", name)) => {
                // As nginx: two names of levels, here and there.
                let known = LEVELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                let level = known.map(|(_, level)| *level as u8);
                let level = level.ok_or_else(|| format!("unknown syslog severity \"{name}\""))?;
                once(&mut severity, "severity", level)?;
            }
            Some(("tag", name)) => once(&mut tag, "tag", checked_tag(name)?)?,
            None if part == "nohostname" => hostname = false,
            _ => return Err(format!("unknown syslog parameter \"{part}\"")),
        }
    }
    Ok(Settings {
        address: address.ok_or("no syslog server specified")?,
        facility: facility.unwrap_or(23),
        severity: severity.unwrap_or(Level::Info as u8),
        tag: tag.unwrap_or_else(|| "rserve".to_owned()),
        hostname,
    })
}

fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match slot.replace(value) {
        Some(_) => Err(format!("duplicate syslog \"{name}\"")),
        None => Ok(()),
    }
}

fn checked_tag(tag: &str) -> Result<String, String> {
    const LONGEST: usize = 32;
    if tag.len() > LONGEST {
        return Err(format!("syslog \"tag\" length exceeds {LONGEST}"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match tag.bytes().all(plain) {
        true => Ok(tag.to_owned()),
        false => {
            Err("syslog \"tag\" only allows alphanumeric characters and underscore".to_owned())
        }
    }
}

/// The port is 514 unless it is written.
fn server_address(text: &str) -> Result<Address, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(Address::Unix(PathBuf::from(path)));
    }
    let has_port = match text.rfind(']') {
        Some(end) => text[end..].contains(':'),
        None => text.contains(':'),
    };
    let text = if has_port { text.to_owned() } else { format!("{text}:514") };
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.map(Address::Inet).ok_or_else(|| format!("host not found in syslog server \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let settings = parse("server=127.0.0.1,facility=local0,severity=warn,tag=web_1,nohostname");
        let settings = settings.expect("a server");
        assert_eq!(settings.address, Address::Inet(([127, 0, 0, 1], 514).into()));
        assert_eq!((settings.facility, settings.severity), (16, Level::Warn as u8));
        assert_eq!((settings.tag.as_str(), settings.hostname), ("web_1", false));
        let address =
            |text: &str| parse(&format!("server={text}")).map(|settings| settings.address);
        assert_eq!(address("unix:/dev/log"), Ok(Address::Unix("/dev/log".into())));
        assert!(matches!(address("[::1]:515"), Ok(Address::Inet(at)) if at.port() == 515));
        assert!(matches!(address("[::1]"), Ok(Address::Inet(at)) if at.port() == 514));
        for (text, why) in [
            ("facility=user", "no syslog server specified"),
            ("server=127.0.0.1,server=127.0.0.1", "duplicate syslog \"server\""),
            ("server=127.0.0.1,facility=x", "unknown syslog facility \"x\""),
            ("server=127.0.0.1,severity=x", "unknown syslog severity \"x\""),
            ("server=127.0.0.1,x=y", "unknown syslog parameter \"x=y\""),
            (
                "server=127.0.0.1,tag=a-b",
                "syslog \"tag\" only allows alphanumeric characters and underscore",
            ),
            (
                "server=no.such.host.invalid",
                "host not found in syslog server \"no.such.host.invalid:514\"",
            ),
        ] {
            assert_eq!(parse(text).map(drop), Err(why.to_owned()), "{text}");
        }
    }
}
