//! `$path_depth`, and `$path_part_1`, `$path_part_2` …: variables, for everything that takes some. They need no directive.

use rserve_sdk::prelude::*;

/// The module.
pub struct PathVariables;

impl Module for PathVariables {
    const NAME: &'static str = "path_variables";
    type Conf = ();
    const DIRECTIVES: &'static [Directive<()>] = &[];
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "path_depth",
            get: |request, _, out| {
                out.extend_from_slice(parts(request).count().to_string().as_bytes());
                true
            },
            help: "of how many parts the path is",
        },
        // A name that ends with `_` is that of many: the rest is the second argument.
        Variable {
            name: "path_part_",
            get: |request, number, out| {
                let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let part = at.and_then(|at| parts(request).nth(at));
                // No such part: the variable has no value.
                part.inspect(|part| out.extend_from_slice(part)).is_some()
            },
            help: "a part of the path, from 1",
        },
    ];

    fn inherit(_: &mut (), _: &()) {}

    fn install(_: &(), _: &mut Hooks<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

fn parts(request: &Request) -> impl Iterator<Item = &[u8]> {
    request.uri.split(|&byte| byte == b'/').filter(|part| !part.is_empty())
}
