// What the role of this page may do, and who moves the axis. The server decides; this only says what is worth offering.

import { link } from "../link.js";

const may = (...roles) => roles.includes(link.me?.role);

export const isOperator = () => may("operator", "admin", "local");
export const isAdmin = () => may("admin", "local");

/** True while a program of somebody moves the axis, and not what the machine plays itself. */
export const isProgram = (state) => state?.state === "following" && !state.in_force.playback;
