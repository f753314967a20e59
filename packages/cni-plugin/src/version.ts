/** The version `-v` prints; the release script keeps it equal to package.json (a test compares). */
export const version = '0.1.0'
