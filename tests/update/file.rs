//! The file of an update: what is taken, and what is refused.

use std::ops::ControlFlow;

use proptest::prelude::*;
use yep::update::{KeyKind, PartName, SystemSlot, UpdateError, UpdateKeys, UpdateReader, write};

use crate::builder::{BLOCK, Card, Images, Signer, target};

const PAGE: usize = 4_096;

/// An image of some pages, of which many are zeros.
fn image(pages: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let page = prop_oneof![3 => Just(None), 2 => any::<u64>().prop_map(Some)];
    prop::collection::vec(page, pages).prop_map(|pages| {
        let fill = |seed: Option<u64>| {
            let mut page = vec![0_u8; PAGE];
            if let Some(mut word) = seed {
                for chunk in page.chunks_mut(8) {
                    word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    chunk.copy_from_slice(&word.to_le_bytes());
                }
            }
            page
        };
        pages.into_iter().flat_map(fill).collect()
    })
}

fn images() -> impl Strategy<Value = Images> {
    (image(1..40), image(1..80), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(boot, root, place, marked)| {
            let slot_byte = marked.then(|| place.index(boot.len()) as u64);
            Images { boot, root, slot_byte }
        },
    )
}

/// A slot with something else in it, of which pages are the same; larger than the images.
fn card_before(images: &Images, same: &[bool]) -> Card {
    let before = |image: &[u8]| {
        let mut before = image.to_vec();
        for (page, _) in before.chunks_mut(PAGE).zip(same.iter().cycle()).filter(|(_, same)| !**same) {
            page.iter_mut().for_each(|byte| *byte ^= 0x5a);
        }
        before.extend([0x77; 3 * PAGE]);
        before
    };
    Card::new(before(&images.boot), before(&images.root))
}

fn keys(signer: &Signer) -> UpdateKeys {
    UpdateKeys::parse(&signer.line(), true).unwrap()
}

fn release() -> Signer {
    Signer::new(1, KeyKind::Release)
}

fn install(bytes: &[u8], keys: &UpdateKeys, slot: SystemSlot, card: &mut Card) -> Result<u64, UpdateError> {
    let mut update = UpdateReader::open(bytes, keys)?;
    update.manifest().check(&target())?;
    write(&mut update, slot, card, |_| ControlFlow::Continue(())).map(|written| written.written_bytes)
}

/// Asserts that the slot has the images, with its own mark, and that nothing behind them was touched.
fn assert_whole(card: &Card, images: &Images, slot: SystemSlot) {
    let mut boot = images.boot.clone();
    if let Some(at) = images.slot_byte {
        boot[at as usize] = slot.mark();
    }
    for (part, image) in [(PartName::Boot, &boot), (PartName::Root, &images.root)] {
        let found = &card.parts[&part];
        assert!(found[..image.len()] == image[..], "{part:?} is another image");
        assert!(
            found[image.len()..].iter().all(|byte| *byte == 0x77),
            "{part:?} was written behind its image"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_slot_becomes_the_images_and_only_blocks_that_differ_are_written(
        images in images(), same in prop::collection::vec(any::<bool>(), 1..9), b in any::<bool>()
    ) {
        let (signer, slot) = (release(), if b { SystemSlot::B } else { SystemSlot::A });
        let bytes = images.update(&signer, images.manifest());
        let mut card = card_before(&images, &same);
        let written = install(&bytes, &keys(&signer), slot, &mut card).unwrap();
        assert_whole(&card, &images, slot);
        let all = (images.boot.len() + images.root.len()) as u64;
        prop_assert!(written <= all);
        card.writes = 0;
        prop_assert_eq!(install(&bytes, &keys(&signer), slot, &mut card).unwrap(), 0);
        prop_assert_eq!(card.writes, 0);
    }

    #[test]
    fn a_power_cut_at_any_call_leaves_a_slot_that_the_next_try_completes(
        images in images(), cut in any::<prop::sample::Index>(), seed in any::<u64>()
    ) {
        let (signer, mut random) = (release(), yep::hal::sim::Random::new(seed));
        let bytes = images.update(&signer, images.manifest());
        let mut card = card_before(&images, &[false]);
        let mut dry = card.clone();
        install(&bytes, &keys(&signer), SystemSlot::B, &mut dry).unwrap();
        card.calls_left = Some(cut.index(dry.calls as usize) as u32);
        prop_assert!(matches!(install(&bytes, &keys(&signer), SystemSlot::B, &mut card), Err(UpdateError::Slot(_))));
        card.power_on(|| random.unit());
        install(&bytes, &keys(&signer), SystemSlot::B, &mut card).unwrap();
        assert_whole(&card, &images, SystemSlot::B);
    }

    #[test]
    fn what_differs_in_one_bit_or_ends_early_is_refused(
        images in images(), place in any::<prop::sample::Index>(), bit in 0..8_u8
    ) {
        let signer = release();
        let bytes = images.update(&signer, images.manifest());
        let at = place.index(bytes.len());
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let mut card = card_before(&images, &[false]);
        let refused = install(&flipped, &keys(&signer), SystemSlot::B, &mut card);
        prop_assert!(matches!(
            refused,
            Err(UpdateError::NoUpdate | UpdateError::NewerForm(_) | UpdateError::WrongSignature
                | UpdateError::Damaged(_) | UpdateError::Truncated)
        ), "{refused:?}");
        let cut = install(&bytes[..at], &keys(&signer), SystemSlot::B, &mut card_before(&images, &[false]));
        prop_assert!(matches!(cut, Err(UpdateError::Truncated | UpdateError::NoUpdate)), "{cut:?}");
    }

    #[test]
    fn any_bytes_are_refused_or_read(head in prop::collection::vec(any::<u8>(), 0..300), signed in any::<bool>()) {
        let signer = release();
        let bytes = if signed {
            let length = (head.len() as u32).to_le_bytes();
            [b"YEPUPD01", &length[..], &head, &signer.sign(&head), &head].concat()
        } else {
            head
        };
        prop_assert!(UpdateReader::open(&bytes[..], &keys(&signer)).is_err());
    }
}

fn small() -> Images {
    Images { boot: vec![1; 2 * BLOCK], root: vec![2; 3 * BLOCK], slot_byte: Some(70_000) }
}

fn refused(bytes: &[u8], keys: &UpdateKeys) -> UpdateError {
    let mut card = card_before(&small(), &[false]);
    let before = card.parts.clone();
    let error = install(bytes, keys, SystemSlot::B, &mut card).unwrap_err();
    assert!(card.parts == before, "{error}, and it was written all the same");
    error
}

#[test]
fn only_a_trusted_key_of_the_right_kind_counts() {
    let (ours, other) = (release(), Signer::new(2, KeyKind::Release));
    let workbench = Signer::new(3, KeyKind::Development);
    let images = small();
    let made_by = |signer: &Signer| images.update(signer, images.manifest());

    assert!(matches!(refused(&made_by(&other), &keys(&ours)), UpdateError::WrongSignature));
    // A release refuses a development key, even if its line is on the card, and even if that calls it a release key.
    assert!(matches!(refused(&made_by(&workbench), &keys(&workbench)), UpdateError::DevelopmentKey(_)));
    let renamed = workbench.line().replace("development", "release");
    let renamed = UpdateKeys::parse(&renamed, true).unwrap();
    assert!(matches!(refused(&made_by(&workbench), &renamed), UpdateError::WrongSignature));
    // The workbench accepts both.
    let both = format!("# keys\n\n{}{}", ours.line(), workbench.line());
    let both = UpdateKeys::parse(&both, false).unwrap();
    for signer in [&ours, &workbench] {
        let mut card = card_before(&images, &[true, false]);
        install(&made_by(signer), &both, SystemSlot::B, &mut card).unwrap();
        assert_whole(&card, &images, SystemSlot::B);
    }
    assert!(matches!(refused(&made_by(&ours), &UpdateKeys::default()), UpdateError::WrongSignature));
    for line in ["yep-update-release", "yep-update-release AAAA me", "ssh-ed25519 AAAA"] {
        assert!(UpdateKeys::parse(line, true).is_err(), "{line}");
    }
}

#[test]
fn another_machines_update_and_an_older_one_are_refused_before_anything_is_written() {
    let (signer, images) = (release(), small());
    let with = |change: fn(&mut yep::update::Manifest)| {
        let mut manifest = images.manifest();
        change(&mut manifest);
        refused(&images.update(&signer, manifest), &keys(&signer))
    };
    assert!(matches!(with(|m| m.product = "toaster".into()), UpdateError::OtherMachine(_)));
    assert!(matches!(
        with(|m| m.boards = vec!["raspberrypi,5-model-b".into()]),
        UpdateError::OtherMachine(_)
    ));
    assert!(matches!(with(|m| m.card_layout += 1), UpdateError::OtherLayout { .. }));
    assert!(matches!(with(|m| m.version = "0.0.9".into()), UpdateError::Older { .. }));
    assert!(matches!(
        with(|m| {
            m.version = "0.1.0".into();
            m.written_unix_s = 1;
        }),
        UpdateError::Older { .. }
    ));
    // An image that is larger than its partition.
    assert!(matches!(with(|m| m.parts[1].size_bytes *= 2), UpdateError::Damaged(_)));
    // With the user's word.
    let mut manifest = images.manifest();
    manifest.version = "0.0.9".into();
    let target = yep::update::UpdateTarget { allow_older: true, ..target() };
    manifest.check(&target).unwrap();
    // Ten is more than nine.
    manifest.version = "0.10.0".into();
    manifest
        .check(&yep::update::UpdateTarget { version: "0.9.0".into(), allow_older: false, ..target })
        .unwrap();
}

#[test]
fn who_watches_may_end_it() {
    let (signer, images) = (release(), small());
    let bytes = images.update(&signer, images.manifest());
    let mut update = UpdateReader::open(&bytes[..], &keys(&signer)).unwrap();
    let mut told = 0;
    let ended = write(&mut update, SystemSlot::B, &mut card_before(&images, &[false]), |_| {
        told += 1;
        if told < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break("the axis moves".into()) }
    });
    assert!(matches!(ended, Err(UpdateError::Cancelled(why)) if why == "the axis moves"));
}
