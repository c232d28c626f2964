//! Names of fields, as variables have them.

/// Whether a field's name is that of a variable: `user_agent` is `User-Agent`. A name with `-` is that alone.
pub fn is_named(field: &[u8], name: &str) -> bool {
    let same = |(field, name): (&u8, u8)| match name {
        b'_' => *field == b'-' || *field == b'_',
        name => field.eq_ignore_ascii_case(&name),
    };
    field.len() == name.len() && field.iter().zip(name.bytes()).all(same)
}

#[cfg(test)]
mod tests {
    use super::is_named;

    #[test]
    fn an_underscore_stands_for_either() {
        for (field, name, same) in [
            ("User-Agent", "user_agent", true),
            ("user_agent", "user_agent", true),
            ("X-Trace-Id", "x-trace-id", true),
            ("X_Trace_Id", "x-trace-id", false),
            ("X-Trace", "x_trace_id", false),
        ] {
            assert_eq!(is_named(field.as_bytes(), name), same, "{field} {name}");
        }
    }
}
