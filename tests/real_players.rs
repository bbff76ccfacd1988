//! Video players that people have, as child processes, and the media clock that follows them: mpv and VLC of Debian, and a
//! program that speaks as HereSphere and DeoVR do. The error of the clock is measured against what the player itself says.

#[path = "support/players/mod.rs"]
mod players;
#[path = "support/skip.rs"]
mod skip;

use std::time::Duration;

use players::followed::Followed;
use players::headset::FakeHeadset;
use players::mpv::Mpv;
use players::vlc::Vlc;
use players::{Errors, eventually, has, settle};
use skip::skip;
use yep::players::PlayerKind;

/// Most that the clock may differ from mpv's own position: half of a frame, and what a busy computer takes (s).
const MPV_ERROR_S: f64 = 0.06;
/// The same for VLC, whose new positions are found within half of a poll (s).
const VLC_ERROR_S: f64 = 0.12;
/// A player tells a pause at once, or at the next poll.
const SOON: Duration = Duration::from_millis(600);

/// The mean error, and the greatest one, are below these.
#[track_caller]
fn assert_follows(what: &str, errors: &Errors, mean_s: f64, most_s: f64) {
    println!("{what}: {errors}");
    assert!(errors.count() >= 6, "{what}: {errors}");
    assert!(errors.mean_s().abs() <= mean_s && errors.most_s() <= most_s, "{what}: {errors}");
}

#[test]
fn mpv_is_followed_through_pause_seek_rate_and_end() {
    if !has("mpv") {
        return skip("mpv_is_followed_through_pause_seek_rate_and_end", "mpv is not installed");
    }
    let folder = players::folder();
    let video = players::media::video(folder.path(), 60.0);
    let socket = folder.path().join("mpv.sock");
    // It is looked for before it is there.
    let followed = Followed::start();
    followed.follow(PlayerKind::Mpv, &format!("unix:{}", socket.display()), "");
    eventually("a trouble", || followed.status().trouble);
    let mut mpv = Mpv::start(&socket, &video);
    eventually("a connection", || followed.status().is_connected.then_some(()));
    eventually("its media", || (followed.status().media.as_deref() == video.to_str()).then_some(()));
    followed.wait_until_playing(true);
    settle();
    assert_follows("mpv", &mpv.errors(&followed, Duration::from_secs(3)), MPV_ERROR_S / 2.0, MPV_ERROR_S);

    mpv.set("pause", "true");
    followed.wait_until_playing_within(false, SOON);
    settle();
    let error_s = followed.now().position_s - mpv.position_s();
    assert!(error_s.abs() < 0.03, "{error_s} s while it is paused");
    mpv.command(r#""seek",30.5,"absolute""#);
    eventually("the place of the seek", || ((followed.now().position_s - 30.5).abs() < 0.1).then_some(()));
    assert!(!followed.is_playing(), "it is paused");

    mpv.set("speed", "1.5");
    mpv.set("pause", "false");
    followed.wait_until_playing_within(true, SOON);
    settle();
    let errors = mpv.errors(&followed, Duration::from_secs(2));
    assert_follows("mpv at 1.5", &errors, MPV_ERROR_S / 2.0, MPV_ERROR_S);
    mpv.command(r#""seek",10,"absolute""#);
    eventually("the way back", || ((9.9..14.0).contains(&followed.now().position_s)).then_some(()));
    settle();
    let errors = mpv.errors(&followed, Duration::from_secs(1));
    assert_follows("mpv behind a seek", &errors, MPV_ERROR_S / 2.0, MPV_ERROR_S);

    mpv.command(r#""seek",59.5,"absolute""#);
    followed.wait_until_playing_within(false, Duration::from_secs(3));
    eventually("the end", || followed.status().media.is_none().then_some(()));
    mpv.command(&format!(r#""loadfile","{}""#, video.display()));
    followed.wait_until_playing(true);
    mpv.kill();
    followed.wait_until_playing_within(false, SOON);
    let status = eventually("a trouble", || Some(followed.status()).filter(|it| it.trouble.is_some()));
    assert!(!status.is_connected && status.media.is_none(), "{status:?}");
    followed.end();
}

#[test]
fn vlc_is_followed_through_pause_seek_rate_and_end() {
    if !has("vlc") || !has("setpriv") {
        return skip("vlc_is_followed_through_pause_seek_rate_and_end", "vlc is not installed");
    }
    let folder = players::folder();
    // VLC says whole seconds of it.
    let sound = players::media::sound(folder.path(), 60.7);
    let mut vlc = Vlc::start(folder.path(), &sound, 60.7);
    let followed = Followed::start();
    followed.follow(PlayerKind::Vlc, &vlc.address(), "another");
    let trouble = eventually("a trouble", || followed.status().trouble.filter(|it| it.contains("password")));
    assert_eq!(trouble, "VLC has another password");
    followed.follow(PlayerKind::Vlc, &vlc.address(), players::vlc::PASSWORD);
    followed.wait_until_playing(true);
    assert_eq!(followed.status().media.as_deref(), Some("sound.wav"));
    vlc.command("seek&val=20");
    eventually("the place of the seek", || ((19.5..23.0).contains(&followed.now().position_s)).then_some(()));
    std::thread::sleep(Duration::from_secs(3));
    let errors = vlc.errors(&followed, Duration::from_secs(4));
    assert_follows("VLC", &errors, VLC_ERROR_S, 1.5 * VLC_ERROR_S);

    vlc.command("pl_forcepause");
    followed.wait_until_playing_within(false, SOON);
    vlc.command("rate&val=1.5");
    vlc.command("pl_forceresume");
    followed.wait_until_playing_within(true, SOON);
    std::thread::sleep(Duration::from_secs(3));
    let errors = vlc.errors(&followed, Duration::from_secs(3));
    assert_follows("VLC at 1.5", &errors, 1.5 * VLC_ERROR_S, 2.25 * VLC_ERROR_S);

    vlc.command("seek&val=58");
    followed.wait_until_playing_within(false, Duration::from_secs(5));
    eventually("the end", || followed.status().media.is_none().then_some(()));
    vlc.command("pl_play");
    followed.wait_until_playing(true);
    vlc.kill();
    followed.wait_until_playing_within(false, Duration::from_secs(3));
    eventually("a trouble", || followed.status().trouble);
    followed.end();
}

#[test]
fn a_headset_is_followed_through_splits_zeros_and_closes() {
    for kind in [PlayerKind::HereSphere, PlayerKind::DeoVr] {
        let has_zeros = kind == PlayerKind::HereSphere;
        let headset = FakeHeadset::start(has_zeros);
        let followed = Followed::start();
        followed.follow(kind, &headset.address(), "");
        headset.play(100.0, 1.0);
        followed.wait_until_playing(true);
        assert_eq!(followed.status().media.as_deref(), Some("/videos/x.mp4"));
        settle();
        let mut errors = Errors::default();
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(50));
            errors.add(followed.now().position_s - headset.position_s());
        }
        assert_follows(kind.title(), &errors, 0.03, 0.06);
        assert!(headset.keep_alives() >= 1, "it was sent no sign of life");

        headset.play(500.0, 2.0);
        eventually("the seek", || ((500.0..510.0).contains(&followed.now().position_s)).then_some(()));
        headset.pause();
        followed.wait_until_playing_within(false, SOON);
        headset.play(10.0, 1.0);
        followed.wait_until_playing_within(true, SOON);
        // The player leaves the video, and comes back to it.
        headset.unload();
        let patience = if has_zeros { Duration::from_secs(2) } else { SOON };
        followed.wait_until_playing_within(false, patience);
        headset.play(20.0, 1.0);
        followed.wait_until_playing_within(true, SOON);
        headset.hang_up();
        followed.wait_until_playing_within(false, SOON);
        followed.wait_until_playing(true);
        // Another program there is none.
        headset.send_nonsense();
        let trouble = eventually("a trouble", || followed.status().trouble.filter(|it| it.contains("JSON")));
        println!("{trouble}");
        // A player that nobody follows any more is left.
        followed.wait_until_playing(true);
        followed.follow_nobody();
        followed.wait_until_playing_within(false, SOON);
        eventually("the end of the connection", || (!headset.is_connected()).then_some(()));
        followed.end();
    }
}

#[test]
fn the_plugin_of_stash_says_what_the_video_does() {
    if !has("node") {
        return skip("the_plugin_of_stash_says_what_the_video_does", "node is not installed");
    }
    let test = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/players/stash.mjs");
    let output = std::process::Command::new("node").arg(test).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    println!("{said}");
}
