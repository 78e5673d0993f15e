export interface Repository {
  id: string;
  forge: string;
  forgeRepositoryId: string | undefined;
  /** `owner/name`, or `name` for a plain git forge. Unique in its forge. */
  name: string;
  cloneUrl: string;
  defaultBranch: string | undefined;
  /** Sealed (see common/secrets); absent: the forge's own secret counts. */
  sealedWebhookSecret: Uint8Array | undefined;
  /** `settings`: from solstice.kdl; `operator`: added with ciadm. */
  origin: 'settings' | 'operator';
  createdAt: Date;
}

export interface RepositoryStore {
  /**
   * By (forge, name). Fields that are undefined keep what is stored. A new one, and one whose default branch or address
   * is another now, is looked at for its schedules (see ScheduleLookStore); where a look waits for another try, or ended without a branch
   * to read, that is now.
   */
  upsert(repository: Omit<Repository, 'id' | 'createdAt'>): Promise<Repository>;
  list(): Promise<Repository[]>;
  /**
   * By the forge's id where it is known, else by name; remembers the forge's id (and a new name) from then on. A name
   * whose row has another forge id is another repository: undefined. A new name that another row has is not taken.
   */
  resolve(forge: string, ref: { forgeRepositoryId: string; name: string }): Promise<Repository | undefined>;
  get(id: string): Promise<Repository | undefined>;
}
