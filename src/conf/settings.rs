//! A module's settings, one line each: the field, the directive's row, inheritance, default and help.
//!
//! ```text
//! use conf::{Arity, Contexts, Error, Setting, contexts, settings};
//!
//! const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
//!
//! settings! {
//!     /// What the directives set.
//!     #[derive(Default)]
//!     pub struct Conf {
//!         flag sendfile = (WEB, "off", "send files from the kernel's cache");
//!         time send_timeout = (WEB, "60s", "between two writes of an answer");
//!         value level: u8 = (WEB, Arity::Exactly(1), level, "1", "how hard to compress, 1 to 9");
//!         list index: String = (WEB, Arity::AtLeast(1), word, "(none)", "files that stand for a directory");
//!     }
//! }
//!
//! fn level(setting: &Setting<'_>) -> Result<u8, Error> {
//!     setting.arg(0).parse().map_err(|_| setting.invalid(0, "value"))
//! }
//!
//! fn word(setting: &Setting<'_>) -> Result<String, Error> {
//!     Ok(setting.arg(0).to_owned())
//! }
//!
//! assert_eq!(Conf::DIRECTIVES.len(), 4);
//! assert_eq!(Conf::default().send_timeout(), 60_000);
//! assert_eq!(Conf::default().level(), 1);
//! ```
//!
//! | kind | the field | its setter | |
//! |---|---|---|---|
//! | `flag` `time` `size` `number` | `bool`, milliseconds, bytes, a number | | one argument |
//! | `value` | as written | gives the value | has a default |
//! | `option` | as written | gives the value | may be unset |
//! | `list` | a `Vec` of what is written | gives one element | a block's replace the outer block's |
//! | `lists` | a `Vec` of what is written | gives several elements | likewise, and has a default |
//! | `raw` | as written | is given the whole | what the others cannot say |
//! | `here` | as written | is given the whole | not inherited |
//! | `block` | as written | is given the whole | has a block in braces |
//!
//! A directive whose name is a word of Rust is written `r#use`. What begins with `prefix "proxy_";` has that before all of its
//! names: a family of modules has its common directives from one list.
//!
//! What has a default has a method of its name: what is set, else what the row's own setter makes of its default. A
//! default in parentheses is for readers.

use std::path::Path;

use crate::{Contexts, Directive, Env, Files, Setting, grammar};

/// What a table's setters make of the default that a directive has in its row.
///
/// # Panics
/// If there is none, or it is not one that the setter takes: the table contradicts itself.
pub fn by_default<C: Default + 'static>(rows: &[Directive<C>], name: &str) -> C {
    let wrong = |why: &dyn std::fmt::Display| -> ! { panic!("the default of \"{name}\": {why}") };
    let Some(row) = rows.iter().find(|row| row.name == name) else { wrong(&"no row") };
    let mut conf = C::default();
    let text = format!("{name} {};", row.default);
    let nodes = grammar::parse(&text, 0, 0).unwrap_or_else(|error| wrong(&format!("{error:?}")));
    let files = Files::default();
    let env = Env::new(&files, Path::new(""), Path::new(""));
    for node in &nodes {
        let setting = Setting::new(node, Contexts::NONE, &env);
        if let Err(error) = (row.set)(&mut conf, &setting) {
            wrong(&error);
        }
    }
    conf
}

/// The name of a directive whose field is written as a raw identifier, because Rust has that word, too.
pub const fn bare(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Declares a module's settings. See the [module](self).
#[macro_export]
macro_rules! settings {
    (prefix $prefix:literal; $($rest:tt)*) => { $crate::prefixed_settings!($prefix; $($rest)*); };
    ($($rest:tt)*) => { $crate::prefixed_settings!(""; $($rest)*); };
}

#[doc(hidden)]
#[macro_export]
macro_rules! prefixed_settings {
    (
        $prefix:literal;
        $(#[$meta:meta])*
        $vis:vis struct $conf:ident {
            $( $kind:ident $name:ident $(: $type:ty)? = ( $($row:tt)* ); )*
        }
        $( with { $( $(#[$about:meta])* $evis:vis $extra:ident : $etype:ty, )* } )?
    ) => {
        $(#[$meta])*
        $vis struct $conf {
            $( pub(crate) $name: $crate::Opt<$crate::setting_type!($kind $(, $type)?)>, )*
            $( $( $(#[$about])* $evis $extra: $etype, )* )?
        }

        impl $conf {
            /// The rows of the directives.
            $vis const DIRECTIVES: &'static [$crate::Directive<$conf>] =
                &[ $( $crate::setting_row!($prefix, $kind $name ($($row)*)) ),* ];

            /// Fills what this block left unset from the one around it.
            #[allow(dead_code, reason = "some blocks have none around them")]
            $vis fn inherit(&mut self, outer: &$conf) {
                $( $crate::setting_inherit!($kind, self.$name, outer.$name); )*
            }

            $( $crate::setting_method!($prefix, $conf $kind $name $(, $type)?); )*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! setting_type {
    (flag) => { bool };
    (time) => { u64 };
    (size) => { u64 };
    (number) => { u64 };
    (list, $type:ty) => { Vec<$type> };
    (lists, $type:ty) => { Vec<$type> };
    ($kind:ident, $type:ty) => { $type };
}

#[doc(hidden)]
#[macro_export]
macro_rules! setting_row {
    ($prefix:literal, flag $name:ident ($contexts:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $crate::Arity::Flag,
            |c, s| c.$name.set_in(s.flag()?, s),
            $default,
            $help,
        )
    };
    ($prefix:literal, time $name:ident ($contexts:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $crate::Arity::Exactly(1),
            |c, s| c.$name.set_in(s.time_ms(0)?, s),
            $default,
            $help,
        )
    };
    ($prefix:literal, size $name:ident ($contexts:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $crate::Arity::Exactly(1),
            |c, s| c.$name.set_in(s.size(0)?, s),
            $default,
            $help,
        )
    };
    ($prefix:literal, number $name:ident ($contexts:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $crate::Arity::Exactly(1),
            |c, s| c.$name.set_in(s.number(0)?, s),
            $default,
            $help,
        )
    };
    ($prefix:literal, list $name:ident ($contexts:expr, $arity:expr, $parse:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $arity,
            |c, s| {
                c.$name.push($parse(s)?);
                Ok(())
            },
            $default,
            $help,
        )
    };
    ($prefix:literal, lists $name:ident ($contexts:expr, $arity:expr, $parse:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $arity,
            |c, s| {
                $parse(s)?.into_iter().for_each(|one| c.$name.push(one));
                Ok(())
            },
            $default,
            $help,
        )
    };
    ($prefix:literal, raw $name:ident ($contexts:expr, $arity:expr, $set:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $arity,
            $set,
            $default,
            $help,
        )
    };
    ($prefix:literal, here $name:ident ($contexts:expr, $arity:expr, $set:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $arity,
            $set,
            $default,
            $help,
        )
    };
    ($prefix:literal, block $name:ident ($contexts:expr, $arity:expr, $set:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $arity,
            $set,
            $default,
            $help,
        )
        .with_block()
    };
    // `value`, `option`
    ($prefix:literal, $kind:ident $name:ident ($contexts:expr, $arity:expr, $parse:expr, $default:expr, $help:expr)) => {
        $crate::Directive::new(
            $crate::settings::bare(concat!($prefix, stringify!($name))),
            $contexts,
            $arity,
            |c, s| c.$name.set_in($parse(s)?, s),
            $default,
            $help,
        )
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! setting_inherit {
    (here, $own:expr, $outer:expr) => {};
    ($kind:ident, $own:expr, $outer:expr) => {
        $own.inherit(&$outer)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! setting_method {
    ($prefix:literal, $conf:ident flag $name:ident) => { $crate::setting_method!(@ $prefix, $conf $name bool); };
    ($prefix:literal, $conf:ident time $name:ident) => { $crate::setting_method!(@ $prefix, $conf $name u64); };
    ($prefix:literal, $conf:ident size $name:ident) => { $crate::setting_method!(@ $prefix, $conf $name u64); };
    ($prefix:literal, $conf:ident number $name:ident) => { $crate::setting_method!(@ $prefix, $conf $name u64); };
    ($prefix:literal, $conf:ident lists $name:ident, $type:ty) => { $crate::setting_method!(@ $prefix, $conf $name Vec<$type>); };
    ($prefix:literal, $conf:ident value $name:ident, $type:ty) => { $crate::setting_method!(@ $prefix, $conf $name $type); };
    ($prefix:literal, $conf:ident $kind:ident $name:ident, $type:ty) => {};
    (@ $prefix:literal, $conf:ident $name:ident $type:ty) => {
        #[allow(dead_code, reason = "not every default is asked for")]
        #[doc = concat!("What `", $prefix, stringify!($name), "` is set to, or its default.")]
        pub fn $name(&self) -> $type {
            ::std::thread_local! {
                static DEFAULT: $type = {
                    let conf = $crate::by_default($conf::DIRECTIVES, $crate::settings::bare(concat!($prefix, stringify!($name))));
                    conf.$name.get().cloned().expect("its own setter has set it")
                };
            }
            match self.$name.get() {
                Some(value) => value.clone(),
                None => DEFAULT.with(Clone::clone),
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::{Arity, Contexts, Error, Setting};

    settings! {
        /// With a word of Rust.
        #[derive(Default)]
        struct Conf {
            value r#use: u64 = (Contexts::MAIN, Arity::Exactly(1), number, "7", "a number");
            flag r#async = (Contexts::MAIN, "on", "a flag");
        }
    }

    settings! {
        prefix "proxy_";
        /// With names that have a beginning in common.
        #[derive(Default)]
        struct Prefixed {
            time read_timeout = (Contexts::MAIN, "60s", "a time");
        }
    }

    fn number(setting: &Setting<'_>) -> Result<u64, Error> {
        setting.number(0)
    }

    #[test]
    fn names_of_directives() {
        let names: Vec<&str> = Conf::DIRECTIVES.iter().map(|row| row.name).collect();
        assert_eq!(names, ["use", "async"]);
        assert_eq!((Conf::default().r#use(), Conf::default().r#async()), (7, true));
        let names: Vec<&str> = Prefixed::DIRECTIVES.iter().map(|row| row.name).collect();
        assert_eq!(
            (&names[..], Prefixed::default().read_timeout()),
            (&["proxy_read_timeout"][..], 60_000)
        );
    }
}
