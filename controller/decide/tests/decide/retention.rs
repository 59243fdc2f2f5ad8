//! Which files of an object are kept.

use std::time::Duration;

use oci_decide::retention::{Policy, Record, garbage};

type Row<'a> = (&'a str, &'a [Option<u64>], (u64, usize), &'a [usize], Option<u64>);

#[test]
fn garbage_is_what_is_old_or_too_much() {
    let rows: &[Row<'_>] = &[
        ("nothing at all", &[], (60, 2), &[], None),
        ("the current file, however old", &[None], (0, 1), &[], None),
        ("younger than the limit", &[None, Some(59)], (60, 2), &[], Some(1)),
        ("as old as the limit", &[None, Some(60)], (60, 2), &[1], None),
        ("older than the limit", &[None, Some(61)], (60, 2), &[1], None),
        ("replaced just now", &[Some(0), None], (60, 2), &[], Some(60)),
        ("a limit of nothing", &[Some(0), None], (0, 9), &[0], None),
        ("one too many: the oldest", &[Some(5), Some(7), None, Some(6)], (60, 3), &[1], Some(54)),
        ("two too many", &[Some(5), Some(7), None, Some(6)], (60, 2), &[1, 3], Some(55)),
        ("no room for superseded ones", &[None, Some(5), Some(7)], (60, 1), &[2, 1], None),
        ("no room at all means one", &[None, Some(5)], (60, 0), &[1], None),
        ("age and number do not add up", &[None, Some(99), Some(5), Some(6)], (60, 3), &[1], Some(54)),
        ("by age more than by number", &[None, Some(99), Some(98), Some(6)], (60, 3), &[1, 2], Some(54)),
        ("room for more than there are", &[None, Some(5), Some(6)], (60, 9), &[], Some(54)),
        ("none is current", &[Some(5), Some(6)], (60, 1), &[1], Some(55)),
        ("none is current, and no room", &[Some(5), Some(6)], (60, 0), &[1], Some(55)),
        ("several are current", &[None, None, None, Some(6)], (60, 2), &[3], None),
    ];
    for (name, ages, (ttl, records), expected, next) in rows {
        let files: Vec<Record<usize>> = ages
            .iter()
            .enumerate()
            .map(|(file, age)| Record { file, superseded: age.map(Duration::from_secs) })
            .collect();
        let policy = Policy { ttl: Duration::from_secs(*ttl), records: *records };
        let found = garbage(&files, policy);
        assert_eq!(found, (expected.to_vec(), next.map(Duration::from_secs)), "{name}");
    }
}
