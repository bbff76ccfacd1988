//! The problem types: one row for each reason for which the API refuses a request.
//!
//! From its row follow the HTTP status, the document of RFC 9457, the OpenAPI document, /docs, and the table in docs/API.md.
//! Codes are stable: programs compare them.

use hyper::StatusCode;

problem_codes! {
    /// The body is no JSON
    InvalidJson = {
        code: "invalid_json", status: BAD_REQUEST,
        remedy: "Send JSON in UTF-8, complete, and each key of an object once.",
    }
    /// Some fields are wrong
    InvalidFields = {
        code: "invalid_fields", status: UNPROCESSABLE_ENTITY,
        remedy: "Correct the fields that `errors` names; nothing was changed.",
    }
    /// The body is not declared as what it has to be
    WrongContentType = {
        code: "wrong_content_type", status: UNSUPPORTED_MEDIA_TYPE,
        remedy: "Send the header content-type: application/json, or for a file application/octet-stream.",
    }
    /// The body is too large
    BodyTooLarge = {
        code: "body_too_large", status: PAYLOAD_TOO_LARGE,
        remedy: "Send less; docs/API.md has the limit of each route.",
    }
    /// The body took too long
    BodyTimeout = {
        code: "body_timeout", status: REQUEST_TIMEOUT,
        remedy: "Send the whole body within ten seconds, over a better connection.",
    }
    /// There is no such path
    UnknownPath = {
        code: "unknown_path", status: NOT_FOUND,
        remedy: "Compare the path with /docs.",
    }
    /// The path does not take this method
    MethodNotAllowed = {
        code: "method_not_allowed", status: METHOD_NOT_ALLOWED,
        remedy: "Use one of the methods that the header Allow names.",
    }
    /// The request takes more memory than there is
    TooMuchMemory = {
        code: "too_much_memory", status: PAYLOAD_TOO_LARGE,
        remedy: "Send less, or ask for less at once: a shorter wave, a part of a recording.",
    }
    /// Other requests take up the memory
    MemoryInUse = {
        code: "memory_in_use", status: SERVICE_UNAVAILABLE,
        remedy: "Try again in a moment, ask for less at once, and read the answers that wait.",
    }
    /// Only STOP is taken now
    StopOnly = {
        code: "stop_only", status: SERVICE_UNAVAILABLE,
        remedy: "Close connections that are not needed, or try again in a moment; POST /api/stop is always taken.",
    }
    /// Too many sockets are open
    TooManySockets = {
        code: "too_many_sockets", status: SERVICE_UNAVAILABLE,
        remedy: "Close pages and programs that are not needed.",
    }
    /// The server failed
    ServerFailed = {
        code: "server_failed", status: INTERNAL_SERVER_ERROR,
        remedy: "Look for the request id in the log, and report what it says there.",
    }

    /// The server is not known by this name
    UnknownHost = {
        code: "unknown_host", status: MISDIRECTED_REQUEST,
        remedy: "Open it by one of the names that `detail` lists.",
    }
    /// A foreign page may not change anything
    ForeignOrigin = {
        code: "foreign_origin", status: FORBIDDEN,
        remedy: "Use the page of this machine, or allow the origin with `extra_origins` in yep.toml.",
    }
    /// The token is not valid
    BadToken = {
        code: "bad_token", status: UNAUTHORIZED,
        remedy: "Pair this device again, or send no token.",
    }
    /// This role may not do that
    Role = {
        code: "role", status: FORBIDDEN,
        remedy: "Use the machine itself (a local connection), or a device that may.",
    }

    /// The position is not known
    NotHomed = {
        code: "not_homed", status: CONFLICT,
        remedy: "Keep clear of the carriage, then calibrate.",
    }
    /// The position is known
    Homed = {
        code: "homed", status: CONFLICT,
        remedy: "This is for a machine that is not homed: switch it off and on, then send it again before calibrating.",
    }
    /// A limit switch is pressed
    SwitchPressed = {
        code: "switch_pressed", status: CONFLICT,
        remedy: "Push the carriage away from the switch by hand, to the middle of the rail, then send it again.",
    }
    /// The first run is not complete
    NotCommissioned = {
        code: "not_commissioned", status: CONFLICT,
        remedy: "Open the machine's page and follow its first run; GET /api/v1/commissioning says what is left. Who has tried the wiring by hand sets `commissioned = \"by_hand\"` in yep.toml.",
    }
    /// A fault is latched
    Faulted = {
        code: "faulted", status: CONFLICT,
        remedy: "Remove the cause that the fault names, then acknowledge and arm, or calibrate.",
    }
    /// Locked since the last fault
    Disarmed = {
        code: "disarmed", status: CONFLICT,
        remedy: "Arm, or calibrate.",
    }
    /// The axis is coming to rest
    Stopping = {
        code: "stopping", status: CONFLICT,
        remedy: "Wait until the axis is at rest, then send it again.",
    }
    /// Homing is under way
    Homing = {
        code: "homing", status: CONFLICT,
        remedy: "Wait for its end, or stop it.",
    }
    /// The axis moves
    Moving = {
        code: "moving", status: CONFLICT,
        remedy: "Stop the motion or let it end, then send it again.",
    }
    /// Nothing runs that could end
    NothingRuns = {
        code: "nothing_runs", status: CONFLICT,
        remedy: "Nothing needs to be done: the axis already rests, or comes to rest.",
    }
    /// There is nothing to do
    Already = {
        code: "already", status: CONFLICT,
        remedy: "Nothing needs to be done: what the command would do is so already.",
    }
    /// The cause of the fault is still there
    CauseRemains = {
        code: "cause_remains", status: CONFLICT,
        remedy: "Remove the cause that the fault names, then send it again.",
    }
    /// It would end in a fault at once
    Prevented = {
        code: "prevented", status: CONFLICT,
        remedy: "Remove the cause that `detail` names, then send it again.",
    }
    /// STOP came after the command
    Stopped = {
        code: "stopped", status: CONFLICT,
        remedy: "Make sure that moving is still wanted, then send it again.",
    }
    /// Another command took its place
    Replaced = {
        code: "replaced", status: CONFLICT,
        remedy: "Send it again if it is still wanted.",
    }
    /// The client that started the motion is gone
    ClientGone = {
        code: "client_gone", status: CONFLICT,
        remedy: "Send it again from a client that stays connected.",
    }
    /// Too many commands wait
    QueueFull = {
        code: "queue_full", status: CONFLICT,
        remedy: "Send it again in a moment.",
    }
    /// The machine gives no answer
    Unanswered = {
        code: "unanswered", status: CONFLICT,
        remedy: "Stop the machine, and look at the log; the command is void and never acts later.",
    }
    /// The program is ending
    ShuttingDown = {
        code: "shutting_down", status: CONFLICT,
        remedy: "Wait until it has started again.",
    }

    /// The message makes no sense
    InvalidMessage = {
        code: "invalid_message", status: BAD_REQUEST,
        remedy: "Send a JSON object with a `type` of docs/API.md and the fields that belong to it.",
    }
    /// The command needs a wave
    NeedsWave = {
        code: "needs_wave", status: CONFLICT,
        remedy: "Send the wave to POST /api/v1/machine/run.",
    }
    /// There is no saved wave of this name
    UnknownWave = {
        code: "unknown_wave", status: NOT_FOUND,
        remedy: "GET /api/v1/waves lists the saved waves.",
    }
    /// There is no pattern of this name
    UnknownPattern = {
        code: "unknown_pattern", status: NOT_FOUND,
        remedy: "GET /api/v1/patterns lists the patterns, and those that are saved.",
    }
    /// There is no script of this name
    UnknownScript = {
        code: "unknown_script", status: NOT_FOUND,
        remedy: "GET /api/v1/scripts lists the scripts.",
    }
    /// The script cannot be played
    InvalidScript = {
        code: "invalid_script", status: UNPROCESSABLE_ENTITY,
        remedy: "Correct the script where the detail says, or save it anew in its editor; docs/SCRIPTS.md lists what is read.",
    }
    /// No video player is set
    NoSource = {
        code: "no_source", status: CONFLICT,
        remedy: "Set the video player first: PUT /api/v1/player/source, or the page's screen of scripts.",
    }
    /// There are no settings with this id
    UnknownDocument = {
        code: "unknown_document", status: NOT_FOUND,
        remedy: "Use the id of the settings document, or `default`.",
    }
    /// There is one settings document
    OneDocument = {
        code: "one_document", status: CONFLICT,
        remedy: "Change the document with PUT on its id, or on `default`.",
    }
    /// There is no room for it
    NoRoom = {
        code: "no_room", status: CONFLICT,
        remedy: "Delete saved waves that are not needed.",
    }
    /// It could not be stored
    NotStored = {
        code: "not_stored", status: SERVICE_UNAVAILABLE,
        remedy: "Nothing has changed. Check the card: it may be full, read-only or worn; `yep doctor` says which.",
    }
    /// There is no such recording
    UnknownRecording = {
        code: "unknown_recording", status: NOT_FOUND,
        remedy: "GET /api/v1/faults lists the recordings.",
    }
    /// The recording cannot be read
    UnreadableRecording = {
        code: "unreadable_recording", status: NOT_FOUND,
        remedy: "Its file is damaged; another recording may help.",
    }
    /// Other recordings are being read
    RecordingsBusy = {
        code: "recordings_busy", status: TOO_MANY_REQUESTS,
        remedy: "Try again in a moment.",
    }
    /// The machine keeps its recordings elsewhere
    NoRecordings = {
        code: "no_recordings", status: NOT_FOUND,
        remedy: "Ask the computer that owns the pins.",
    }
    /// The step of the first run is not proven
    StepNotProven = {
        code: "step_not_proven", status: CONFLICT,
        remedy: "Do what `detail` says, then finish the step again.",
    }
    /// Another step comes first
    StepOutOfOrder = {
        code: "step_out_of_order", status: CONFLICT,
        remedy: "GET /api/v1/commissioning names the next step; begin it with `act: begin`.",
    }
    /// There is no such step
    UnknownStep = {
        code: "unknown_step", status: NOT_FOUND,
        remedy: "GET /api/v1/commissioning lists the steps.",
    }
    /// The configuration file says it
    FixedInFile = {
        code: "fixed_in_file", status: CONFLICT,
        remedy: "Change the key in yep.toml, or take it out there.",
    }
    /// Nobody asks whether the machine works
    NothingToConfirm = {
        code: "nothing_to_confirm", status: CONFLICT,
        remedy: "Follow the first run; GET /api/v1/commissioning says what is left.",
    }
    /// The pins belong to another computer
    MachineElsewhere = {
        code: "machine_elsewhere", status: NOT_FOUND,
        remedy: "Ask the computer that owns the pins.",
    }
    /// The machine is not simulated
    NotSimulated = {
        code: "not_simulated", status: NOT_FOUND,
        remedy: "Start with --driver sim to inject faults.",
    }
    /// There is no force sensor
    NoForceSensor = {
        code: "no_force_sensor", status: NOT_FOUND,
        remedy: "Set `sensor` in [force] of yep.toml.",
    }

    /// The force sensor has too few readings
    NoReadings = {
        code: "no_readings", status: CONFLICT,
        remedy: "GET /api/v1/sensor says what the sensor lacks: power, its cable, another baud rate.",
    }
    /// The force readings are unsteady
    Unsteady = {
        code: "unsteady", status: CONFLICT,
        remedy: "Let the carriage rest, and touch nothing.",
    }
    /// A load is on the force sensor
    LoadPresent = {
        code: "load_present", status: CONFLICT,
        remedy: "Take the load away, or send `confirm: true` if it is to count as none.",
    }
    /// Whether a load is on the force sensor is not known
    LoadUnknown = {
        code: "load_unknown", status: CONFLICT,
        remedy: "Make sure that nothing presses on the sensor, then send `confirm: true`.",
    }
    /// The force sensor is not tared
    NotTared = {
        code: "not_tared", status: CONFLICT,
        remedy: "Take every load away and tare, then calibrate.",
    }
    /// The weight does not change the readings
    NoDifference = {
        code: "no_difference", status: CONFLICT,
        remedy: "Put the weight on, or take a heavier one.",
    }
    /// The weight is out of range
    WeightOutOfRange = {
        code: "weight_out_of_range", status: CONFLICT,
        remedy: "Take a weight inside the range that `detail` names, with the sign of its direction.",
    }
    /// The scale could not be stored
    NotKept = {
        code: "not_kept", status: CONFLICT,
        remedy: "Nothing has changed. Check the card: it may be full, read-only or worn; `yep doctor` says which.",
    }
    /// The force sensor has not confirmed the scale yet
    NotConfirmed = {
        code: "not_confirmed", status: CONFLICT,
        remedy: "The scale is stored. GET /api/v1/sensor says when the sensor uses it.",
    }

    /// Another client is in charge
    NotInCharge = {
        code: "not_in_charge", status: CONFLICT,
        remedy: "Ask for the lease (POST /api/v1/lease with `act: ask`), or wait until the axis rests. STOP is taken from anyone.",
    }
    /// Nobody asks for the lease
    NobodyAsks = {
        code: "nobody_asks", status: CONFLICT,
        remedy: "There is nothing to answer: GET /api/v1/lease says who is in charge and who asks.",
    }
    /// The lease was not handed over
    LeaseKept = {
        code: "lease_kept", status: CONFLICT,
        remedy: "The client in charge said no, or did not answer. Ask again, or ask an admin to take the lease.",
    }
    /// Only narrower limits
    OnlyNarrower = {
        code: "only_narrower", status: FORBIDDEN,
        remedy: "Let an admin widen them, while no other client moves the axis.",
    }
    /// Wider than what was tried on this machine
    BeyondEnvelope = {
        code: "beyond_envelope", status: FORBIDDEN,
        remedy: "Prove that you are at the machine (POST /api/v1/pairing/requests with `purpose: presence`), then try again.",
    }
    /// Nobody has shown to be at the machine
    PresenceNeeded = {
        code: "presence_needed", status: FORBIDDEN,
        remedy: "Prove that you are at the machine (POST /api/v1/pairing/requests with `purpose: presence`), then try again.",
    }

    /// Too many tries
    TooManyTries = {
        code: "too_many_tries", status: TOO_MANY_REQUESTS,
        remedy: "Wait a second, then try again. Tries are counted over all devices.",
    }
    /// Another device asks to be let in
    PairingBusy = {
        code: "pairing_busy", status: CONFLICT,
        remedy: "Wait until it is done, two minutes at most, then ask again.",
    }
    /// The limit switches cannot prove anything now
    SwitchesInUse = {
        code: "switches_in_use", status: CONFLICT,
        remedy: "Ask a paired device for a code, use the code on the card, or restart the machine and press before it homes.",
    }
    /// The wrong switch
    WrongSwitch = {
        code: "wrong_switch", status: CONFLICT,
        remedy: "Ask again, and press the switches in the order that is named.",
    }
    /// The request to be let in is over
    PairingEnded = {
        code: "pairing_ended", status: CONFLICT,
        remedy: "Ask to be let in again.",
    }
    /// The machine was not switched on just now
    NotRestarted = {
        code: "not_restarted", status: CONFLICT,
        remedy: "Switch the machine off and on, then ask again within five minutes.",
    }
    /// The code is wrong
    WrongCode = {
        code: "wrong_code", status: CONFLICT,
        remedy: "Read the code again. `detail` says how many tries are left, over all devices.",
    }
    /// No code is good now
    NoCode = {
        code: "no_code", status: CONFLICT,
        remedy: "Let a paired admin open a window (POST /api/v1/pairing/window), or run `yep pair` on the machine.",
    }
    /// There is no device with this number
    UnknownDevice = {
        code: "unknown_device", status: NOT_FOUND,
        remedy: "GET /api/v1/devices lists those that there are.",
    }
    /// The last admin stays
    LastAdmin = {
        code: "last_admin", status: CONFLICT,
        remedy: "Make another device an admin first, or do this on the machine itself.",
    }

    /// An update is being taken
    Updating = { code: "updating", status: CONFLICT,
        remedy: "Wait for its end, or cancel it: DELETE /api/v1/update. STOP works all the while." }
    /// This installation has no second system
    NoSlots = { code: "no_slots", status: CONFLICT,
        remedy: "Install the newer version instead: docs/INSTALL.md, \"Update\"." }
    /// The file is no update
    NoUpdate = { code: "no_update", status: UNPROCESSABLE_ENTITY,
        remedy: "Send the file of the update as it was downloaded." }
    /// The update has a newer form
    NewerForm = { code: "newer_form", status: UNPROCESSABLE_ENTITY,
        remedy: "Take an update of a version in between first." }
    /// No key of this card has signed the update
    WrongSignature = { code: "wrong_signature", status: UNPROCESSABLE_ENTITY,
        remedy: "Download the update again, from where the card came from." }
    /// A release takes no development update
    DevelopmentKey = { code: "development_key", status: UNPROCESSABLE_ENTITY,
        remedy: "Take the update of a release." }
    /// The update is damaged
    Damaged = { code: "damaged", status: UNPROCESSABLE_ENTITY,
        remedy: "Download the update again." }
    /// The update ended too early
    Truncated = { code: "truncated", status: UNPROCESSABLE_ENTITY,
        remedy: "Send it again, all of it, over a connection that lasts." }
    /// The update is for another machine
    OtherMachine = { code: "other_machine", status: UNPROCESSABLE_ENTITY,
        remedy: "Take the update for this board." }
    /// The update is for other partitions
    OtherLayout = { code: "other_layout", status: UNPROCESSABLE_ENTITY,
        remedy: "Save a backup, flash the new image once, and restore." }
    /// The update is older than what runs
    Older = { code: "older", status: CONFLICT,
        remedy: "Send it with allow_older=true if the older version is wanted." }
    /// The update was given up
    Cancelled = { code: "cancelled", status: CONFLICT,
        remedy: "Send it again if it is still wanted." }
    /// This is no time for an update
    NotNow = { code: "not_now", status: CONFLICT,
        remedy: "Let the axis rest, see that the supply holds, then send it again." }
    /// No system waits for a try
    NothingToTry = { code: "nothing_to_try", status: CONFLICT,
        remedy: "Take an update first." }
    /// There is no system to go back to
    NoSpare = { code: "no_spare", status: CONFLICT,
        remedy: "Take the update of the version that is wanted." }
    /// The other system cannot be written
    SlotFailed = { code: "slot", status: SERVICE_UNAVAILABLE,
        remedy: "Send it again; if it fails again, the card is worn: take a new one." }
    /// The update failed
    UpdateFailed = { code: "update_failed", status: SERVICE_UNAVAILABLE,
        remedy: "Look at the log, then send it again; what runs is as it was." }

    /// There is no stream of this name
    UnknownStream = {
        code: "unknown_stream", status: NOT_FOUND,
        remedy: "Use one of the streams that `detail` lists, or GET /api/v1/socket.",
    }
    /// The WebSocket handshake is wrong
    BadHandshake = {
        code: "bad_handshake", status: BAD_REQUEST,
        remedy: "Use a WebSocket library.",
    }
    /// Another version of WebSocket
    WebSocketVersion = {
        code: "websocket_version", status: UPGRADE_REQUIRED,
        remedy: "Use version 13.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_name_of_its_own_a_title_and_a_remedy() {
        for (at, code) in ProblemCode::ALL.iter().enumerate() {
            let name = code.name();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(!ProblemCode::ALL[..at].iter().any(|other| other.name() == name), "{name} twice");
            assert!(code.title().len() > 5 && !code.title().ends_with('.'), "{name}");
            assert!(code.remedy().ends_with('.') && code.remedy().len() > 10, "{name}");
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{name}");
        }
    }
}
