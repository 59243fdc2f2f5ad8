//! Which artifact is the wanted one.

use oci_artifact::name::{Revision, Tag, Target};
use oci_crds::validate::{Checked, Selection};
use oci_decide::{Choice, Failure, Resolved, Step};

use crate::{access::Access, choose::Wanted};

impl Access<'_> {
    /// The digest of what the spec selects, at this moment.
    pub(crate) async fn resolve(&self, checked: &Checked) -> Result<Resolved, Failure> {
        let (tag, choice) = match &checked.selection {
            Selection::Digest(digest) => {
                let revision = Revision { tag: None, digest: digest.clone() };
                return Ok(Resolved { revision, choice: Choice::Digest, signature: None });
            }
            Selection::Tag(tag) => (tag.clone(), Choice::Tag),
            Selection::Range { range, filter } => {
                let action = format!("listing the tags of {}", self.repository());
                let tags = self.ask(Step::Tag, &action, self.bounded.tags()).await?;
                let wanted = Wanted::new(range, filter.as_ref(), &checked.layer);
                wanted.choose(&self.repository().to_string(), &tags)?
            }
        };
        self.digest_of(tag, choice).await
    }

    async fn digest_of(&self, tag: Tag, choice: Choice) -> Result<Resolved, Failure> {
        let action = format!("looking up {}:{tag}", self.repository());
        let target = Target::Tag(tag.clone());
        let digest = self.ask(Step::Digest, &action, self.bounded.resolve(&target)).await?;
        Ok(Resolved { revision: Revision { tag: Some(tag), digest }, choice, signature: None })
    }
}
