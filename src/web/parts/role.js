// What the role of this page may do. The server decides; this only says what is worth offering.

import { link } from "../link.js";

const may = (...roles) => roles.includes(link.me?.role);

export const isOperator = () => may("operator", "admin", "local");
export const isAdmin = () => may("admin", "local");
