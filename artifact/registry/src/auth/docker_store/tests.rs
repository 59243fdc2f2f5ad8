use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use tempfile::TempDir;

use super::{super::helper::tests::a_helper, *};

const DEADLINE: Duration = Duration::from_secs(20);
/// base64 of `u:hunter2`
const AUTH: &str = "dTpodW50ZXIy";

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn with(text: &str) -> Self {
        let desk = Self::new();
        fs::write(desk.file(), text).unwrap();
        desk
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn mode(&self) -> u32 {
        fs::metadata(self.file()).unwrap().permissions().mode() & 0o777
    }

    fn store(&self) -> DockerStore {
        let environment = DockerEnvironment {
            docker_config: Some(self.folder.path().into()),
            path: Some(
                std::env::join_paths([self.folder.path(), "/bin".as_ref(), "/usr/bin".as_ref()]).unwrap(),
            ),
            ..DockerEnvironment::default()
        };
        DockerStore::new(&environment, DEADLINE).unwrap()
    }

    async fn keep(&self, place: &str) -> Result<Kept, StoreError> {
        let password = Secret::new("hunter2".to_owned());
        self.store().keep(&LoginPlace::parse(place).unwrap(), "u", &password).await
    }

    async fn forget(&self, place: &str) -> Result<bool, StoreError> {
        self.store().forget(&LoginPlace::parse(place).unwrap()).await
    }

    /// A helper that writes down what it is told, and has what it was told to store.
    fn helper(&self) {
        let script = format!(
            r#"cd '{}' && echo "$1" >> told
case "$1" in
store) cat > kept ;;
erase) cat > erased; rm -f kept ;;
get) cat > /dev/null; if [ -e kept ]; then cat kept; else echo credentials not found in native keychain; exit 1; fi ;;
esac"#,
            self.folder.path().display()
        );
        a_helper(self.folder.path(), "fake", &script);
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    fn leftovers(&self) -> usize {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with('.')).count()
    }
}

#[tokio::test]
async fn login_is_kept_in_a_new_file_for_its_owner_alone() {
    let desk = Desk::new();
    let kept = desk.keep("r.example").await.unwrap();
    assert_eq!(kept, Kept::File { file: desk.file().display().to_string() });
    assert_eq!(
        desk.text(),
        format!("{{\n\t\"auths\": {{\n\t\t\"r.example\": {{\n\t\t\t\"auth\": \"{AUTH}\"\n\t\t}}\n\t}}\n}}")
    );
    assert_eq!(desk.mode(), 0o600);
    assert_eq!(desk.leftovers(), 0);
}

#[tokio::test]
async fn folder_is_made_for_its_owner_alone() {
    let root = TempDir::new().unwrap();
    let home = Some(root.path().to_owned());
    let environment = DockerEnvironment { home, ..DockerEnvironment::default() };
    let store = DockerStore::new(&environment, DEADLINE).unwrap();
    store.keep(&LoginPlace::parse("a").unwrap(), "u", &Secret::new("p".into())).await.unwrap();
    let mode = fs::metadata(root.path().join(".docker")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn login_changes_nothing_else_in_the_file() {
    let text = "\u{feff}{\n    \"HttpHeaders\": {\"b\": 1,  \"a\": 2.50},\n    \"auths\": {},\n    \"z\": [ ]\n}\n\n";
    let desk = Desk::with(text);
    desk.keep("docker.io").await.unwrap();
    let entry = format!(
        "{{\n        \"https://index.docker.io/v1/\": {{\n            \"auth\": \"{AUTH}\"\n        }}\n    }}"
    );
    assert_eq!(desk.text(), text.replace("\"auths\": {}", &format!("\"auths\": {entry}")));
    assert!(desk.forget("index.docker.io").await.unwrap());
    assert_eq!(desk.text(), text);
    assert!(!desk.forget("docker.io").await.unwrap());
}

#[tokio::test]
async fn rights_of_the_file_are_kept_where_they_are_stricter() {
    for (before, after) in [(0o644, 0o600), (0o600, 0o600), (0o400, 0o400)] {
        let desk = Desk::with("{}");
        fs::set_permissions(desk.file(), fs::Permissions::from_mode(before)).unwrap();
        desk.keep("r.example").await.unwrap();
        assert_eq!(desk.mode(), after);
    }
}

#[tokio::test]
async fn links_to_the_file_are_followed() {
    for exists in [true, false] {
        let (desk, other) = (Desk::new(), TempDir::new().unwrap());
        let (middle, end) = (other.path().join("middle"), other.path().join("end.json"));
        symlink("end.json", &middle).unwrap();
        symlink(&middle, desk.file()).unwrap();
        if exists {
            fs::write(&end, "{}").unwrap();
        }
        desk.keep("r.example").await.unwrap();
        assert!(desk.file().is_symlink() && middle.is_symlink() && !end.is_symlink());
        assert!(fs::read_to_string(end).unwrap().contains(AUTH));
    }
}

#[tokio::test]
async fn file_that_cannot_be_read_is_not_written_to() {
    for text in [
        "{",
        "[]",
        "null",
        "\"x\"",
        r#"{"auths":[]}"#,
        r#"{"auths":{"a":{"auth":"!"}}}"#,
        r#"{"auths":{},"auths":{}}"#,
    ] {
        let desk = Desk::with(text);
        let place = LoginPlace::parse("r.example").unwrap();
        assert!(desk.store().check(&place).await.is_err(), "{text}");
        assert!(matches!(desk.keep("r.example").await, Err(StoreError::Config(_))), "{text}");
        assert!(matches!(desk.forget("a").await, Err(StoreError::Config(_))), "{text}");
        assert_eq!(desk.text(), text);
    }
    let desk = Desk::new();
    fs::create_dir(desk.file()).unwrap();
    assert!(matches!(desk.keep("r.example").await, Err(StoreError::Irregular { .. })));
    let desk = Desk::new();
    symlink("config.json", desk.file()).unwrap();
    assert!(matches!(desk.keep("r.example").await, Err(StoreError::File { .. })), "a link to itself");
}

#[tokio::test]
async fn file_that_is_too_large_is_not_written_to() {
    let desk = Desk::with(&format!("{{\"x\":\"{}\"}}", "x".repeat(4 << 20)));
    assert!(matches!(desk.keep("r.example").await, Err(StoreError::Config(_))));
    assert!(!desk.text().contains(AUTH));
}

#[tokio::test]
async fn change_of_somebody_else_is_taken_in() {
    let desk = Desk::with("{}");
    let mut rounds = 0;
    let path = desk.file();
    let rounds_of = std::cell::RefCell::new(&mut rounds);
    let change = |text: &[u8]| {
        let mut rounds = rounds_of.borrow_mut();
        **rounds += 1;
        if **rounds == 1 {
            fs::write(&path, r#"{"other":1}"#).unwrap();
        }
        edit::set(text, "r.example", None)
    };
    assert!(file::update(&path, change).unwrap());
    assert_eq!(desk.text(), r#"{"other":1,"auths":{"r.example":{}}}"#);
    let count = std::cell::Cell::new(0);
    let always = |text: &[u8]| {
        count.set(count.get() + 1);
        fs::write(&path, format!("{{\"other\":{}}}", count.get())).unwrap();
        edit::set(text, "r.example", None)
    };
    assert!(matches!(file::update(&path, always), Err(StoreError::Contended { .. })));
    assert_eq!(desk.text(), r#"{"other":5}"#);
    assert_eq!(desk.leftovers(), 0);
}

#[tokio::test]
async fn helper_keeps_the_secret_and_the_file_a_note() {
    let desk = Desk::with(r#"{"credsStore":"fake"}"#);
    desk.helper();
    let kept = desk.keep("docker.io").await.unwrap();
    assert!(matches!(&kept, Kept::Helper { program, .. } if program == "docker-credential-fake"), "{kept:?}");
    assert_eq!(
        desk.read("kept"),
        r#"{"ServerURL":"https://index.docker.io/v1/","Username":"u","Secret":"hunter2"}"#
    );
    assert_eq!(desk.text(), r#"{"credsStore":"fake","auths":{"https://index.docker.io/v1/":{}}}"#);
    assert!(desk.forget("docker.io").await.unwrap());
    assert_eq!(desk.read("erased"), "https://index.docker.io/v1/");
    assert_eq!(desk.text(), r#"{"credsStore":"fake","auths":{}}"#);
    assert!(!desk.forget("docker.io").await.unwrap());
    assert_eq!(desk.read("told"), "store\nerase\nget\n");
}

#[tokio::test]
async fn helper_of_the_registry_is_chosen_before_the_store() {
    let desk = Desk::with(r#"{"credsStore":"missing","credHelpers":{"a.example":"fake","b.example":""}}"#);
    desk.helper();
    assert!(matches!(desk.keep("a.example").await.unwrap(), Kept::Helper { .. }));
    assert!(matches!(desk.keep("b.example").await.unwrap(), Kept::File { .. }), "switched off");
    let before = desk.text();
    let error = desk.keep("c.example").await.unwrap_err();
    assert!(
        error.to_string().contains("`docker-credential-missing` for c.example: not found on PATH"),
        "{error}"
    );
    assert_eq!(desk.text(), before);
}

#[tokio::test]
async fn helper_that_fails_leaves_the_file_and_shows_no_secret() {
    for script in [
        "cat >&2; exit 1",
        "read -r line; echo \"no: $line\"; exit 1",
        "cat > /dev/null; echo 'hunter2 is refused'; exit 1",
        "cat > /dev/null; echo credentials not found in native keychain; exit 1",
        "exec cat /dev/zero",
    ] {
        let desk = Desk::with(r#"{"credsStore":"fake"}"#);
        a_helper(desk.folder.path(), "fake", script);
        let error = desk.keep("r.example").await.unwrap_err();
        assert!(matches!(error, StoreError::Helper { .. }), "{script}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{script}: {error:?}");
        assert_eq!(desk.text(), r#"{"credsStore":"fake"}"#);
    }
    let desk = Desk::with(r#"{"credsStore":"fake"}"#);
    a_helper(desk.folder.path(), "fake", "cat > /dev/null; echo the vault is sealed; exit 1");
    let error = desk.keep("r.example").await.unwrap_err().to_string();
    assert!(error.contains("the vault is sealed") && error.contains("(named in "), "{error}");
}

#[tokio::test]
async fn part_of_a_registry_is_kept_in_files_alone() {
    let desk = Desk::with("{}");
    desk.keep("quay.io/org").await.unwrap();
    assert!(desk.text().contains("\"quay.io/org\""));
    assert!(!desk.forget("quay.io").await.unwrap());
    assert!(desk.forget("oci://quay.io/org").await.unwrap());
    let desk = Desk::with(r#"{"credsStore":"fake"}"#);
    let error = desk.keep("quay.io/org").await.unwrap_err();
    assert!(matches!(error, StoreError::Part { .. }), "{error}");
    assert_eq!(desk.text(), r#"{"credsStore":"fake"}"#);
}

#[tokio::test]
async fn logout_removes_every_form_of_the_key() {
    let desk = Desk::with(
        r#"{"auths":{"https://r.example":{"auth":"dTpw"},"r.example":{},"r.example/v2/":{},"r.example/org":{"auth":"dTpw"}}}"#,
    );
    assert!(desk.forget("r.example").await.unwrap());
    assert_eq!(desk.text(), r#"{"auths":{"r.example/org":{"auth":"dTpw"}}}"#);
}

#[test]
fn store_is_the_file_that_is_asked_first() {
    let file =
        |environment: &DockerEnvironment| DockerStore::new(environment, DEADLINE).map(|store| store.file);
    let mut environment = DockerEnvironment { home: Some("/h".into()), ..DockerEnvironment::default() };
    assert_eq!(file(&environment).unwrap(), PathBuf::from("/h/.docker/config.json"));
    environment.docker_config = Some("/d".into());
    assert_eq!(file(&environment).unwrap(), PathBuf::from("/d/config.json"));
    environment.registry_auth_file = Some("/r/auth.json".into());
    assert_eq!(file(&environment).unwrap(), PathBuf::from("/r/auth.json"));
    assert!(matches!(file(&DockerEnvironment::default()), Err(StoreError::Nowhere)));
}
