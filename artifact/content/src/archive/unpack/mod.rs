//! Writing the members of a layer to a folder, all or nothing.
//!
//! The members go to a hidden folder first (`.<name>.<random>`), beside the destination or in it. Only when the whole
//! layer was read and found to be in order do they take their place. An error, a cancel or a panic removes the hidden
//! folder and every parent that was created; only a crash of the whole process can leave the hidden folder behind.
//!
//! Into a folder that has files the meaning is that of the Flux CLI: files of the same name are replaced, nothing is
//! deleted. What Flux would follow or write half, a link or a file in the place of a folder, is refused before anything
//! changes.
//!
//! Every file is created through the handle of its folder, never through a path, with `O_EXCL` and `O_NOFOLLOW`.

mod destination;
mod merge;
mod staging;
mod writer;

use std::{io::Read, path::Path};

use self::{
    destination::{CreatedParents, Place},
    staging::Staging,
};

use super::{Control, Error, Summary};

/// Unpacks a layer of `layer_size` bytes into the folder `destination`, which is created if it is missing.
///
/// Files become 0644 or 0755 and folders 0755, less the umask; owners and times of the archive are not used.
///
/// # Errors
///
/// Nothing is changed at the destination, except if moving the finished files into a folder that has files already
/// fails half-way.
pub fn unpack_into(
    layer: impl Read + Send,
    layer_size: u64,
    destination: &Path,
    control: &Control,
) -> Result<Summary, Error> {
    match Place::find(destination)? {
        Place::Missing { parent, name } => {
            let created = CreatedParents::create(&parent)?;
            let staging = Staging::create(&parent, &name)?;
            let summary = writer::write(layer, layer_size, staging.folder(), destination, control)?;
            control.check()?;
            staging.rename(&name).map_err(|error| Error::io("create", destination, error))?;
            created.keep();
            Ok(summary)
        }
        Place::Empty { parent, name, real } => {
            let Some(staging) = destination::replacement(&parent, &name, &real) else {
                return into_folder(layer, layer_size, &real, destination, control);
            };
            let summary = writer::write(layer, layer_size, staging.folder(), destination, control)?;
            control.check()?;
            if let Err((staging, _)) = staging.try_rename(&name) {
                // In use in a way that could not be seen before.
                merge::merge(&staging, &real, destination, control)?;
            }
            Ok(summary)
        }
        Place::Folder { real } => into_folder(layer, layer_size, &real, destination, control),
    }
}

/// Stages inside of the destination, so that moving is within one file system.
fn into_folder(
    layer: impl Read + Send,
    layer_size: u64,
    real: &Path,
    destination: &Path,
    control: &Control,
) -> Result<Summary, Error> {
    let name = real.file_name().unwrap_or_default();
    let staging = Staging::create(real, name)?;
    let summary = writer::write(layer, layer_size, staging.folder(), destination, control)?;
    merge::merge(&staging, real, destination, control)?;
    Ok(summary)
}

#[cfg(test)]
mod tests;
