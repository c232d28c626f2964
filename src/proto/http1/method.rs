//! Request methods.

macro_rules! methods {
    ($($method:ident $text:literal),* $(,)?) => {
        /// The methods that nginx knows.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $method,)*
            /// Any other word of `A-Z`, `_` and `-`.
            #[default]
            Other,
        }

        impl Method {
            /// The method of that name; upper case only.
            pub fn of(name: &[u8]) -> Method {
                // Compared as text of known length, so a match on the length comes first.
                match name {
                    $(name if name == $text.as_bytes() => Method::$method,)*
                    _ => Method::Other,
                }
            }
        }
    };
}

methods! {
    Get "GET", Head "HEAD", Post "POST", Put "PUT", Delete "DELETE", Options "OPTIONS",
    Patch "PATCH", Connect "CONNECT", Trace "TRACE", Mkcol "MKCOL", Copy "COPY", Move "MOVE",
    Propfind "PROPFIND", Proppatch "PROPPATCH", Lock "LOCK", Unlock "UNLOCK",
}

/// Whether a method name may contain the byte.
pub(super) fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'_' || byte == b'-'
}
