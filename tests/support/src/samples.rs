//! Sample trees, the same on every machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A generator of numbers that look random; not for secrets.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (splitmix64).
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `count` bytes that no encoder shrinks.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut all = Vec::with_capacity(count + 8);
        while all.len() < count {
            all.extend_from_slice(&self.next_u64().to_le_bytes());
        }
        all.truncate(count);
        all
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let index = self.next_u64() % words.len() as u64;
        words[usize::try_from(index).unwrap_or_default()]
    }
}

/// A kustomize folder of four small files.
pub fn small(folder: &Path) -> io::Result<()> {
    let files = [
        ("kustomization.yaml", "resources:\n- deployment.yaml\n- service.yaml\n- config/app.yaml\n"),
        (
            "deployment.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  replicas: 1\n",
        ),
        (
            "service.yaml",
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: app\nspec:\n  ports:\n  - port: 80\n",
        ),
        (
            "config/app.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  level: info\n",
        ),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// Corpus A: 8,192 YAML-like files of about 8.7 KiB in 32 folders, 71 MB; `gzip -6` makes about 19 MB of its tar.
pub fn corpus_a(folder: &Path) -> io::Result<()> {
    corpus(folder, 32, 256, 8_700)
}

/// Corpus B: 100 files of 2 KiB in one folder.
pub fn corpus_b(folder: &Path) -> io::Result<()> {
    corpus(folder, 1, 100, 2_048)
}

/// One file of incompressible bytes; written in pieces, so that a large one costs no memory.
pub fn incompressible(path: &Path, bytes: u64) -> io::Result<()> {
    use io::Write as _;
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    let mut seeded = Seeded::new(bytes);
    let mut left = bytes;
    while left > 0 {
        let count = left.min(1 << 20);
        file.write_all(&seeded.bytes(usize::try_from(count).map_err(io::Error::other)?))?;
        left -= count;
    }
    file.flush()
}

/// `folders` x `files` YAML-like files of exactly `size` bytes.
pub fn corpus(folder: &Path, folders: usize, files: usize, size: usize) -> io::Result<()> {
    for part in 0..folders {
        let place: PathBuf = folder.join(format!("team-{part:02}"));
        fs::create_dir_all(&place)?;
        for number in 0..files {
            let mut seeded = Seeded::new((part * files + number) as u64);
            fs::write(place.join(format!("object-{number:04}.yaml")), yaml(&mut seeded, size))?;
        }
    }
    Ok(())
}

const KEYS: [&str; 16] = [
    "name",
    "namespace",
    "image",
    "replicas",
    "port",
    "protocol",
    "cpu",
    "memory",
    "path",
    "host",
    "value",
    "key",
    "mountPath",
    "secretName",
    "interval",
    "timeout",
];
const BLOCKS: [&str; 8] =
    ["metadata", "spec", "template", "containers", "resources", "limits", "volumes", "annotations"];

fn yaml(seeded: &mut Seeded, size: usize) -> String {
    let mut text = String::from("apiVersion: apps/v1\nkind: Deployment\n");
    while text.len() < size {
        let number = seeded.next_u64();
        let line = match number % 8 {
            0 => format!("{}:\n", seeded.pick(&BLOCKS)),
            1 => format!("    checksum: {:016x}\n", seeded.next_u64()),
            2 | 3 => format!("    - {}: {}\n", seeded.pick(&KEYS), number % 100_000),
            _ => format!("      {}: {}-{:x}\n", seeded.pick(&KEYS), seeded.pick(&KEYS), number >> 48),
        };
        text.push_str(&line);
    }
    text.truncate(size);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corpus_is_the_same_each_time() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        corpus(one.path(), 1, 2, 500).unwrap();
        corpus(two.path(), 1, 2, 500).unwrap();
        let read = |folder: &Path| fs::read(folder.join("team-00/object-0001.yaml")).unwrap();
        assert_eq!(read(one.path()), read(two.path()));
        assert_eq!(read(one.path()).len(), 500);
    }
}
