export const requireRoom = async (_session: unknown): Promise<void> => {}
