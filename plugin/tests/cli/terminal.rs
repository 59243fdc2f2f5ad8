//! Questions at a terminal: the answer is hidden, and the terminal is as it was afterwards.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Command, Stdio},
};

use oci_testkit::{
    planted::{self, KEY_PASSWORD, PASSWORD, WRONG_PASSWORD},
    registry::{Auth, Registry},
};
use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::sandbox::Sandbox;

/// Both ends of a terminal: the person's and the program's.
fn terminal() -> (File, OwnedFd) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let program = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (File::from(person), program)
}

fn echoes(terminal: &OwnedFd) -> bool {
    tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO)
}

/// Reads until the text has come.
fn until(source: &mut impl std::io::Read, text: &str) -> String {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(text.as_bytes()) {
        assert_eq!(
            source.read(&mut byte).unwrap(),
            1,
            "ended before `{text}`: {}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend(byte);
    }
    String::from_utf8(seen).unwrap()
}

#[test]
fn password_is_asked_for_and_hidden() {
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::basic("tester", PASSWORD)).start());
    let (mut person, program) = terminal();
    let mut command = sandbox.command(&["login", "URL"]);
    let mut child = Sandbox::spawn(command.stdin(Stdio::from(program.try_clone().unwrap())));
    let mut errors = child.stderr.take().unwrap();
    assert_eq!(until(&mut errors, ": "), format!("Username for {}: ", sandbox.registry.host()));
    person.write_all(b"tester\n").unwrap();
    assert_eq!(until(&mut errors, ": "), "Password: ");
    assert!(!echoes(&program));
    person.write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(echoes(&program));
    drop((program, command));
    // The terminal ends with an error once nobody holds its other end.
    let mut shown = Vec::new();
    let _ = person.read_to_end(&mut shown);
    assert_eq!(String::from_utf8_lossy(&shown), "tester\r\n");
    planted::assert_clean("the terminal", &shown);
    assert!(sandbox.path("home/.docker/config.json").exists());
}

#[test]
fn interrupt_shows_again_what_is_typed() {
    for (signal, code) in [("INT", 130), ("TERM", 130)] {
        let sandbox = Sandbox::new();
        let (_person, program) = terminal();
        let mut command = sandbox.command(&["login", "URL", "-u", "tester"]);
        let mut child = Sandbox::spawn(command.stdin(Stdio::from(program.try_clone().unwrap())));
        until(child.stderr.as_mut().unwrap(), "Password: ");
        assert!(!echoes(&program));
        assert!(
            Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success()
        );
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(echoes(&program), "{signal}");
    }
}

#[test]
fn end_of_time_shows_again_what_is_typed() {
    let sandbox = Sandbox::new();
    let (_person, program) = terminal();
    let mut command = sandbox.command(&["login", "URL", "-u", "tester", "--timeout", "300ms"]);
    let child = Sandbox::spawn(command.stdin(Stdio::from(program.try_clone().unwrap())));
    let screen = sandbox.screen(child.wait_with_output().unwrap());
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains("timed out"), "{}", screen.show());
    assert!(echoes(&program));
}

/// Answers one question after another; what was said at the end, and the exit code.
fn answered(sandbox: &Sandbox, args: &[&str], questions: &[(&str, &str)]) -> (String, Option<i32>) {
    let (mut person, program) = terminal();
    let mut command = sandbox.command(args);
    let mut child = Sandbox::spawn(command.stdin(Stdio::from(program.try_clone().unwrap())));
    let mut errors = child.stderr.take().unwrap();
    for (question, answer) in questions {
        until(&mut errors, question);
        assert!(!echoes(&program), "{question}");
        person.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    let mut rest = String::new();
    errors.read_to_string(&mut rest).unwrap();
    let code = child.wait().unwrap().code();
    assert!(echoes(&program));
    drop((program, command));
    let mut shown = Vec::new();
    let _ = person.read_to_end(&mut shown);
    planted::assert_clean("the terminal", &[shown.as_slice(), rest.as_bytes()].concat());
    (rest, code)
}

#[test]
fn passwords_of_keys_are_asked_for_and_hidden() {
    let sandbox = Sandbox::pushed();
    let generate = ["generate", "key-pair"];
    let (first, again) = ("Password of the new key: ", "The same again: ");
    let (said, code) = answered(&sandbox, &generate, &[(first, KEY_PASSWORD), (again, WRONG_PASSWORD)]);
    assert!(code == Some(2) && said.contains("the two passwords differ"), "{said}");
    let (said, code) = answered(&sandbox, &generate, &[(first, "")]);
    assert!(code == Some(2) && said.contains("the password is empty"), "{said}");
    assert!(!sandbox.path("cosign.key").exists());
    let (said, code) = answered(&sandbox, &generate, &[(first, KEY_PASSWORD), (again, KEY_PASSWORD)]);
    assert_eq!(code, Some(0), "{said}");
    let sign = ["sign", "artifact", "URL/app:v1", "--key", "cosign.key"];
    let (said, code) = answered(&sandbox, &sign, &[("Password of cosign.key: ", KEY_PASSWORD)]);
    assert_eq!(code, Some(0), "{said}");
}
