//! What a publisher says, and the breaks that come of it.

/// So many are known of a segment, those included that wait for it; others are left out.
pub const MOST: usize = 8;

/// What a publisher says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cue {
    /// What it does.
    pub action: Action,
    /// What the publisher calls it by.
    pub id: Option<String>,
    /// What kind of thing it is.
    pub name: Option<String>,
    /// How long that is, in milliseconds.
    pub duration: Option<u64>,
    /// A section of SCTE-35; empty: there is none.
    pub section: Vec<u8>,
    /// When it came, by the stream's clock, in milliseconds of Unix time.
    pub wall: u64,
}

/// What a cue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it is a moment.
    #[default]
    Mark = 0,
    /// A break begins.
    Out = 1,
    /// It ends.
    In = 2,
}

impl Action {
    /// What listeners are told.
    pub fn word(self) -> &'static str {
        match self {
            Action::Mark => "mark",
            Action::Out => "out",
            Action::In => "in",
        }
    }
}

/// A break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// What it began with.
    pub cue: Cue,
    /// The number of the segment that it began with, and the cue's place among those of that.
    pub msn: u64,
    /// See `msn`.
    pub place: u8,
    /// When that began, in milliseconds of Unix time.
    pub start: u64,
    /// How long it has lasted where a segment begins, in milliseconds.
    pub elapsed: u64,
}

impl Break {
    /// Tells it from all others of the stream.
    pub fn id(&self) -> String {
        self.cue.range(self.msn, self.place)
    }

    /// Whether it has lasted as long as it was to, so much behind where the segment began.
    pub fn is_over(&self, behind: u64) -> bool {
        // Times are whole milliseconds, and frames of all lengths.
        const ROUNDING_MS: u64 = 50;
        let lasted = self.elapsed.saturating_add(behind).saturating_add(ROUNDING_MS);
        self.cue.duration.is_some_and(|duration| lasted >= duration)
    }
}

impl Cue {
    /// The name of its date range. A publisher may use its own again.
    pub fn range(&self, msn: u64, place: u8) -> String {
        let own = self.id.as_deref().or(self.name.as_deref()).unwrap_or("cue");
        match place {
            0 => format!("{own}-{msn}"),
            _ => format!("{own}-{msn}.{place}"),
        }
    }

    /// Whether it is the same again: they are repeated for those who have missed the first.
    pub fn repeats(&self, known: &Cue) -> bool {
        let by_id = self.id.is_some() && self.id == known.id;
        let by_section = !self.section.is_empty() && self.section == known.section;
        self.action == known.action && (by_id || by_section)
    }
}
