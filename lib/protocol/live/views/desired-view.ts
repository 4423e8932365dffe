export interface DesiredView {
  source: 'none' | 'feed' | 'git';
  branch: string;
  commit: string;
  message: string;
  committedAt: number | null;
  commitUrl: string | null;
  fetchedAt: number | null;
  error: { message: string; since: number } | null;
  hint: string | null;
}
