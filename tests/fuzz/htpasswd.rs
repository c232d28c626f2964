//! Files of users, and passwords as they are kept.

use auth_basic::password::Scheme;
use auth_basic::users::Users;

/// The first line of a user is found, and nobody else's; what is kept is tried without harm, and no password is right that
/// is longer than any that was made one.
pub fn htpasswd(data: &[u8]) {
    let users = Users::parse(data);
    let mut seen: Vec<&[u8]> = Vec::new();
    for line in data.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let user = &line[..colon];
        if matches!(line[0], b'#' | b'\r') || seen.contains(&user) {
            continue;
        }
        seen.push(user);
        let kept = users.find(user).expect("a user");
        assert!(line[colon + 1..].starts_with(kept));
        try_it(kept);
    }
    if let Some(stranger) = users.stranger() {
        assert!(Scheme::of(stranger).is_some_and(|scheme| !scheme.is_quick()));
    }
}

/// Those whose work a line of a file does not name.
fn try_it(kept: &[u8]) {
    let Some(scheme) = Scheme::of(kept) else { return };
    match scheme {
        Scheme::Plain => {
            let password = &kept[b"{PLAIN}".len()..];
            assert_eq!(scheme.is_right(kept, password), Ok(true));
            assert_eq!(scheme.is_right(kept, &[password, b"x"].concat()), Ok(false));
        }
        Scheme::Sha | Scheme::SaltedSha | Scheme::Md5(_) | Scheme::Des => {
            assert_ne!(scheme.is_right(kept, &[b'x'; 513]), Ok(true));
            let _ = scheme.is_right(kept, b"password");
        }
        _ => assert_ne!(scheme.is_right(kept, &[b'x'; 513]), Ok(true)),
    }
}
