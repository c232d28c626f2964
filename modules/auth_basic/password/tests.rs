//! Beside libxcrypt's crypt(3) and `openssl passwd`, which have made `crypt.tsv`.

use super::*;

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned());
    pairs.map(|pair| u8::from_str_radix(&pair, 16).expect("hexadecimal")).collect()
}

#[test]
fn passwords_are_right_as_crypt_has_made_them() {
    let mut count = 0;
    for line in include_str!("crypt.tsv").lines() {
        let (password, kept) = line.split_once('\t').expect("two fields");
        let password = unhex(password);
        let scheme = Scheme::of(kept.as_bytes()).expect(kept);
        assert_eq!(scheme.is_right(kept.as_bytes(), &password), Ok(true), "{kept}");
        // Of DES the first eight bytes count.
        let wrong = [b"~", &password[..]].concat();
        assert_eq!(scheme.is_right(kept.as_bytes(), &wrong), Ok(false), "{kept}");
        count += 1;
    }
    assert!(count > 120);
}

#[test]
fn those_of_files_and_of_argon2() {
    for (kept, password) in [
        ("{PLAIN}secret", "secret"),
        ("{PLAIN}", ""),
        ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"),
        ("{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0", "secret"),
        (
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "password",
        ),
    ] {
        let scheme = Scheme::of(kept.as_bytes()).expect(kept);
        assert_eq!(scheme.is_right(kept.as_bytes(), password.as_bytes()), Ok(true), "{kept}");
        for wrong in ["~", "secret ", "secre", "secret\0", "passwor"] {
            assert_eq!(scheme.is_right(kept.as_bytes(), wrong.as_bytes()), Ok(false), "{kept}");
        }
    }
}

#[test]
fn what_is_no_password_is_never_right() {
    for kept in ["", "x", "secret", "*", "!", "$", "$9$a$b", "$2x$05$a", "$sha1$a", "ab:defghijklm"]
    {
        assert_eq!(Scheme::of(kept.as_bytes()), None, "{kept}");
    }
    for kept in [
        "{SHA}",
        "{SHA}!",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQAAA==",
        "{SSHA}AAAA",
        "$1$",
        "$1$salt",
        "$apr1$$",
        "$5$",
        "$6$",
        "$6$salt",
        "$6$salt$",
        "$6$salt$a",
        "$6$rounds=999999999$salt$a",
        "$6$rounds=99999999999999$salt$a",
        "$6$\u{fc}$a",
        "$2b$",
        "$2b$31$abcdefghijklmnopqrstuuhKF09ZYWwH2zP/0fwE1X8e/Q1YNx/hO",
        "$2b$05$abc",
        "$y$",
        "$y$j9T$",
        "$y$j9T$abcdefgh$",
        "$y$j9T$abcdefgh$9",
        "$y$zzzzzz$abcdefgh$9WNEpu8Mx2S4KNGvbVWKM6clOSoY6.YEl7AYF4DGV04",
        "$argon2id$",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=8,t=4294967295,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ] {
        let scheme = Scheme::of(kept.as_bytes()).expect(kept);
        for password in ["", "x", "secret"] {
            assert_ne!(scheme.is_right(kept.as_bytes(), password.as_bytes()), Ok(true), "{kept}");
        }
    }
    let long = vec![b'a'; LONGEST + 1];
    assert_eq!(Scheme::Des.is_right(b"abiQ6Ep3EYTHc", &long), Ok(false));
}
