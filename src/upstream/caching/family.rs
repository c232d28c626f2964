//! The directives of the families whose answers are kept, and what becomes of them.

/// Declares the settings of a module of the family whose answers are kept: those of `$inner` (`family_settings` or
/// `encrypted_family_settings`), those of the cache, and its own.
#[macro_export]
macro_rules! cached_family_settings {
    (
        $inner:ident; $prefix:literal, $family:literal, $key:literal;
        $(#[$meta:meta])*
        $vis:vis struct $conf:ident { $($own:tt)* }
    ) => {
        $crate::$inner! {
            $prefix, $family;
            $(#[$meta])*
            $vis struct $conf {
                raw cache_path: Vec<std::rc::Rc<$crate::cache::Zone>> = (
                    conf::Contexts::HTTP, conf::Arity::AtLeast(2),
                    |c: &mut $conf, s: &conf::Setting<'_>| {
                        let zone = $crate::cache::Caches::read(s, c.cache_path.as_slice())?;
                        c.cache_path.push(zone);
                        Ok(())
                    }, "",
                    "a cache: DIRECTORY keys_zone=NAME:SIZE; levels=1:2, inactive=10m, max_size=, min_free=, memory=4m of answers that each worker has at hand, manager_files=100, manager_sleep=50ms, manager_threshold=200ms, loader_ likewise"
                );
                option cache: conf::Word = (
                    $crate::WEB, conf::Arity::Exactly(1), $crate::word, "off",
                    "the cache that answers are kept in, by its name, in which variables may stand; off"
                );
                option cache_key: conf::Word = (
                    $crate::WEB, conf::Arity::Exactly(1), $crate::word, $key, "what answers are found by"
                );
                list cache_valid: Vec<$crate::cache::Valid> = (
                    $crate::WEB, conf::Arity::AtLeast(1), $crate::valid, "(none)",
                    "how long answers are valid that do not say so: [STATUS … | any] TIME; without a status 200, 301 and 302"
                );
                option cache_bypass: Vec<conf::Word> = (
                    $crate::WEB, conf::Arity::AtLeast(1), $crate::words, "(none)",
                    "where one of these is something, and not 0, a peer is asked, and what comes is kept"
                );
                option no_cache: Vec<conf::Word> = (
                    $crate::WEB, conf::Arity::AtLeast(1), $crate::words, "(none)",
                    "where one of these is something, and not 0, what comes is not kept"
                );
                option cache_purge: Vec<conf::Word> = (
                    $crate::WEB, conf::Arity::AtLeast(1), $crate::words, "(none)",
                    "where one of these is something, and not 0, the answer is taken out of the cache, or all whose keys begin alike where the key ends with *; answered with 204, or 404"
                );
                option cache_purge_tag: conf::Word = (
                    $crate::WEB, conf::Arity::Exactly(1), $crate::word, "(none)",
                    "of a request that purges: the tags (Cache-Tag of the answers) whose answers are taken out"
                );
                value cache_methods: $crate::Methods = (
                    $crate::WEB, conf::Arity::AtLeast(1), $crate::methods, "GET HEAD",
                    "methods whose answers are kept: GET, HEAD, POST"
                );
                number cache_min_uses = ($crate::WEB, "1", "an answer that was asked for less often is not kept");
                value cache_use_stale: $crate::UseStale = (
                    $crate::WEB, conf::Arity::AtLeast(1), $crate::UseStale::read, "off",
                    "when an answer is given out that is not valid any more: error, timeout, invalid_header, updating, http_500 … http_429, off"
                );
                flag cache_background_update = (
                    $crate::WEB, "off", "fetch an answer that may be given out though it is not valid while the client has it already"
                );
                flag cache_lock = ($crate::WEB, "off", "one at a time fetches an answer, and the others wait for that");
                time cache_lock_timeout = (
                    $crate::WEB, "5s", "whoever has waited for so long for another one's fetching asks for itself, and that is not kept"
                );
                time cache_lock_age = ($crate::WEB, "5s", "another one fetches an answer that takes longer");
                flag cache_revalidate = (
                    $crate::WEB, "off", "ask whether an answer is valid still, by its Last-Modified and its ETag"
                );
                size cache_max_range_offset = (
                    $crate::WEB, "(none)", "without effect: a part of an answer is cut out of it as it comes"
                );
                $($own)*
            }
        }

        impl $conf {
            /// Makes the caches that this block declares.
            $vis fn make_caches(&self, hooks: &mut http::Hooks<'_, '_>) -> Result<(), conf::Error> {
                $crate::make_caches(self.cache_path.as_slice(), hooks)
            }

            /// How answers are kept, if they are.
            $vis fn caching(
                &self,
                hooks: &mut http::Hooks<'_, '_>,
            ) -> Result<Option<$crate::Caching>, conf::Error> {
                let Some(name) = self.cache.get().filter(|name| name.text != "off") else {
                    return Ok(None);
                };
                let template = |word: &conf::Word| hooks.template(word);
                let all = |words: Option<&Vec<conf::Word>>| {
                    words.into_iter().flatten().map(template).collect::<Result<Vec<_>, _>>()
                };
                let (bypass, no_cache) = (all(self.cache_bypass.get())?, all(self.no_cache.get())?);
                let purge = all(self.cache_purge.get())?;
                let purge_tag = self.cache_purge_tag.get().map(template).transpose()?;
                let key = self.cache_key.get().map(template).transpose()?;
                if key.is_none() && $key == "(none)" {
                    let message =
                        concat!("no \"", $prefix, "cache_key\" for \"", $prefix, "cache\"");
                    return Err(hooks.error(name, message));
                }
                let valid = self.cache_valid.as_slice().iter().flatten().cloned().collect();
                Ok(Some($crate::Caching {
                    place: $crate::find_cache(name, concat!($prefix, "cache_path"), hooks)?,
                    caches: hooks.setup().shared::<$crate::cache::Caches>(),
                    key,
                    valid,
                    bypass,
                    no_cache,
                    purge,
                    purge_tag,
                    methods: self.cache_methods(),
                    min_uses: self.cache_min_uses(),
                    use_stale: self.cache_use_stale(),
                    lock: self.cache_lock(),
                    lock_timeout: self.cache_lock_timeout(),
                    lock_age: self.cache_lock_age(),
                    revalidate: self.cache_revalidate(),
                    background: self.cache_background_update(),
                    convert_head: false,
                    ignored: self.ignore_headers.get().copied().unwrap_or_default(),
                }))
            }
        }
    };
}
