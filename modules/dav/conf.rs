//! What the directives set.

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, contexts};
use proto::http1::Method;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    methods: Opt<Vec<Method>>,
    create_full_put_path: Opt<bool>,
    min_delete_depth: Opt<u64>,
    access: Opt<u32>,
}

/// What may be done in a location.
pub struct Rules {
    /// Methods that are served.
    pub methods: Vec<Method>,
    /// Directories that are missing are made.
    pub create_full_put_path: bool,
    /// So many elements a path must have before what it names is deleted.
    pub min_delete_depth: u64,
    /// The mode of new files.
    pub access: u32,
}

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

/// The rows.
pub const DIRECTIVES: &[Directive<Conf>] = &[
    Directive::new(
        "dav_methods",
        WEB,
        Arity::AtLeast(1),
        set_methods,
        "off",
        "methods that change files: PUT, DELETE, MKCOL, COPY, MOVE; off: none",
    ),
    Directive::new(
        "create_full_put_path",
        WEB,
        Arity::Flag,
        |c, s| c.create_full_put_path.set_in(s.flag()?, s),
        "off",
        "make the directories that a PUT needs",
    ),
    Directive::new(
        "min_delete_depth",
        WEB,
        Arity::Exactly(1),
        |c, s| c.min_delete_depth.set_in(s.number(0)?, s),
        "0",
        "DELETE only what lies so many directories deep",
    ),
    Directive::new(
        "dav_access",
        WEB,
        Arity::Between(1, 3),
        set_access,
        "user:rw",
        "who may read and write what is made: user:, group:, all: with r or rw",
    ),
];

impl Conf {
    /// Fills what this block left unset from the one around it.
    pub fn inherit(&mut self, outer: &Conf) {
        self.methods.inherit(&outer.methods);
        self.create_full_put_path.inherit(&outer.create_full_put_path);
        self.min_delete_depth.inherit(&outer.min_delete_depth);
        self.access.inherit(&outer.access);
    }

    /// What may be done; `None`: nothing.
    pub fn rules(&self) -> Option<Rules> {
        let methods = self.methods.as_slice();
        (!methods.is_empty()).then(|| Rules {
            methods: methods.to_vec(),
            create_full_put_path: self.create_full_put_path.or_default(false),
            min_delete_depth: self.min_delete_depth.or_default(0),
            access: self.access.or_default(0o600),
        })
    }
}

fn set_methods(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
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
    conf.methods.set_in(methods, setting)
}

fn set_access(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    // What is not said of the owner: rw.
    let (mut access, mut user) = (0, 0o600);
    for (at, word) in setting.args().iter().enumerate() {
        let invalid = || setting.error_at(at, format!("invalid value \"{word}\""));
        let (who, right) = word.text.split_once(':').ok_or_else(invalid)?;
        let shift = match who {
            "user" => {
                user = 0;
                6
            }
            "group" => 3,
            "all" => 0,
            _ => return Err(invalid()),
        };
        let right = match right {
            "rw" => 6,
            "r" => 4,
            _ => return Err(invalid()),
        };
        access |= right << shift;
    }
    conf.access.set_in(access | user, setting)
}
