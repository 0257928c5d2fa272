import React, { useState } from 'react';

export interface ICountInputProps {
  label: string;
  max: number | null;
  onCommit: (count: number) => void;
  value: number;
}

/**
 * A number that is taken when it was typed: with Enter, or when the focus leaves it. Until
 * then an update from elsewhere does not change it.
 */
export function CountInput(props: ICountInputProps): React.JSX.Element {
  const { label, max, onCommit, value } = props;
  const [draft, setDraft] = useState<string | null>(null);
  const commit = () => {
    const count = Number(draft);
    setDraft(null);
    const fits = Number.isInteger(count) && count >= 0;
    if (draft !== null && draft !== '' && fits && count !== value) {
      onCommit(count);
    }
  };
  return (
    <input
      aria-label={label}
      className="jp-sandlot-Count"
      max={max ?? undefined}
      min={0}
      onBlur={commit}
      onChange={event => {
        setDraft(event.target.value);
      }}
      onKeyDown={event => {
        if (event.key === 'Enter') {
          commit();
        } else if (event.key === 'Escape') {
          setDraft(null);
        }
      }}
      step={1}
      type="number"
      value={draft ?? value}
    />
  );
}
