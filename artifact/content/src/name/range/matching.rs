//! Whether a version is in a range: one function per comparator, each with Masterminds' meaning of open numbers.

use super::{Alternative, Comparator, Open, Term};
use crate::name::Version;

impl Alternative {
    pub(super) fn matches(&self, version: &Version) -> bool {
        (self.prereleases || !version.is_prerelease()) && self.terms.iter().all(|term| term.matches(version))
    }
}

impl Term {
    fn matches(&self, version: &Version) -> bool {
        let bound = &self.version;
        match self.comparator {
            Comparator::Equal if self.open == Open::Nothing => version == bound,
            Comparator::Equal | Comparator::Tilde => self.tilde(version),
            Comparator::NotEqual => self.not_equal(version),
            Comparator::Greater => self.greater(version),
            Comparator::GreaterOrEqual => version >= bound,
            Comparator::Less => version < bound,
            Comparator::LessOrEqual => self.less_or_equal(version),
            Comparator::Caret => self.caret(version),
        }
    }

    /// `~1.2.3` is `>=1.2.3 <1.3.0`, `~1` is `>=1.0.0 <2.0.0`; `~*` and, by Masterminds' decision, `~0.0.0` are
    /// everything.
    fn tilde(&self, version: &Version) -> bool {
        let bound = &self.version;
        let is_zero = (bound.major(), bound.minor(), bound.patch()) == (0, 0, 0);
        let is_everything = is_zero && matches!(self.open, Open::Major | Open::Nothing);
        version >= bound
            && (is_everything
                || (version.major() == bound.major()
                    && (self.open == Open::Minor || version.minor() == bound.minor())))
    }

    fn not_equal(&self, version: &Version) -> bool {
        let bound = &self.version;
        match self.open {
            Open::Minor => version.major() != bound.major(),
            Open::Patch if (version.major(), version.minor()) == (bound.major(), bound.minor()) => {
                version.compare_prerelease(bound).is_ne()
            }
            Open::Patch => true,
            Open::Major | Open::Nothing => version != bound,
        }
    }

    /// `>1` begins at 2.0.0, `>1.2` at 1.3.0.
    fn greater(&self, version: &Version) -> bool {
        let bound = &self.version;
        match self.open {
            Open::Nothing => version > bound,
            _ if version.major() != bound.major() => version.major() > bound.major(),
            Open::Major => version > bound,
            Open::Minor => false,
            Open::Patch => version.minor() > bound.minor(),
        }
    }

    /// `<=1` ends before 2.0.0, `<=1.2` before 1.3.0.
    fn less_or_equal(&self, version: &Version) -> bool {
        let bound = &self.version;
        match self.open {
            Open::Nothing => version <= bound,
            Open::Minor => version.major() <= bound.major(),
            Open::Major | Open::Patch => (version.major(), version.minor()) <= (bound.major(), bound.minor()),
        }
    }

    /// The numbers up to the first that is not zero must be equal: `^1.2.3` is `>=1.2.3 <2.0.0`, `^0.2.3` is
    /// `>=0.2.3 <0.3.0`, `^0.0.3` is `=0.0.3`; `^0` is `<1.0.0`.
    fn caret(&self, version: &Version) -> bool {
        let bound = &self.version;
        if version < bound || version.major() != bound.major() {
            return false;
        }
        if bound.major() > 0 || self.open == Open::Minor {
            return true;
        }
        if version.minor() != bound.minor() {
            return false;
        }
        bound.minor() > 0 || self.open == Open::Patch || version.patch() == bound.patch()
    }
}
