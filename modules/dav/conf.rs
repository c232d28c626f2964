//! What the directives set.

use conf::{Access, Arity, Contexts, Error, Setting, contexts, settings};
use proto::http1::Method;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        value dav_methods: Vec<Method> = (
            WEB, Arity::AtLeast(1), methods, "off",
            "methods that change files: PUT, DELETE, MKCOL, COPY, MOVE; off: none"
        );
        value dav_ext_methods: Vec<Method> = (
            WEB, Arity::AtLeast(1), ext_methods, "off",
            "methods that tell of files: PROPFIND (depth 0 and 1), OPTIONS; LOCK and UNLOCK are taken, and not served; off: none"
        );
        option dav_ext_lock: () = (
            WEB, Arity::Exactly(1), no_lock, "", "without effect: nothing is locked"
        );
        option dav_ext_lock_zone: () = (
            Contexts::HTTP, Arity::Exactly(1), no_lock, "", "without effect, as dav_ext_lock"
        );
        flag create_full_put_path = (WEB, "off", "make the directories that a PUT needs");
        number min_delete_depth = (WEB, "0", "DELETE only what lies so many directories deep");
        value dav_access: Access = (
            WEB, Arity::Between(1, 3), Setting::access, "user:rw",
            "who may read and write what is made: user:, group:, all: with r or rw"
        );
    }
}

/// What may be done in a location.
pub struct Rules {
    /// Methods that are served.
    pub methods: Vec<Method>,
    /// Directories that are missing are made.
    pub create_full_put_path: bool,
    /// So many elements a path must have before what it names is deleted.
    pub min_delete_depth: u64,
    /// The modes of what is made.
    pub access: Access,
}

impl Conf {
    /// What may be done; `None`: nothing.
    pub fn rules(&self) -> Option<Rules> {
        let mut methods = self.dav_methods();
        methods.extend(self.dav_ext_methods());
        (!methods.is_empty()).then(|| Rules {
            methods,
            create_full_put_path: self.create_full_put_path(),
            min_delete_depth: self.min_delete_depth(),
            access: self.dav_access(),
        })
    }
}

fn methods(setting: &Setting<'_>) -> Result<Vec<Method>, Error> {
    let mut methods = Vec::new();
    for (at, word) in setting.args().iter().enumerate() {
        methods.push(match &*word.text {
            "off" => continue,
            "PUT" | "put" => Method::Put,
            "DELETE" | "delete" => Method::Delete,
            "MKCOL" | "mkcol" => Method::Mkcol,
            "COPY" | "copy" => Method::Copy,
            "MOVE" | "move" => Method::Move,
            _ => return Err(setting.error_at(at, format!("invalid value \"{word}\""))),
        });
    }
    Ok(methods)
}

fn no_lock(setting: &Setting<'_>) -> Result<(), Error> {
    setting.warn(format!("\"{}\" directive has no effect (nothing is locked)", setting.name()));
    Ok(())
}

fn ext_methods(setting: &Setting<'_>) -> Result<Vec<Method>, Error> {
    let mut methods = Vec::new();
    for (at, word) in setting.args().iter().enumerate() {
        match word.text.to_ascii_uppercase().as_str() {
            "OFF" => {}
            "PROPFIND" => methods.push(Method::Propfind),
            "OPTIONS" => methods.push(Method::Options),
            "LOCK" | "UNLOCK" => {
                setting.warn(format!("\"{word}\" is not served: nothing is locked"))
            }
            _ => return Err(setting.error_at(at, format!("invalid value \"{word}\""))),
        }
    }
    Ok(methods)
}
